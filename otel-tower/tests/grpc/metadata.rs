//! Metadata that is recorded: of the request, of the response, of its trailers.

use opentelemetry::{Array, Value};
use otel_testkit::Span;
use otel_tower::ServerLayer;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request};
use tower::Layer as _;

use crate::harness::{Client, Shop, assert_ended};

const NAMES: [&str; 5] = [
    "x-tenant",
    "x-raw-bin",
    "x-head*",
    "x-trail*",
    "grpc-status",
];

fn list(span: &Span, key: &str) -> Option<Vec<String>> {
    span.attribute(key).map(|value| match value {
        Value::Array(Array::String(items)) => items.iter().map(ToString::to_string).collect(),
        _ => panic!("{value:?} is not a list"),
    })
}

fn some<const N: usize>(items: [&str; N]) -> Option<Vec<String>> {
    Some(items.map(str::to_owned).to_vec())
}

fn capturing(layer: ServerLayer) -> ServerLayer {
    layer
        .grpc()
        .capture_request_headers(NAMES)
        .capture_response_headers(NAMES)
}

/// Calls a method on both sides of which metadata is recorded.
fn call(method: &'static str) -> [Span; 2] {
    let shop = Shop::open_with(capturing);
    shop.in_work(async {
        let layer = shop
            .client_layer()
            .capture_request_headers(NAMES)
            .capture_response_headers(NAMES);
        let channel = tonic::transport::Channel::builder(shop.origin()).connect_lazy();
        let mut client = Client::new(layer.layer(channel));
        let mut request = Request::new("15".to_owned());
        let metadata = request.metadata_mut();
        metadata.insert("x-tenant", "blue".parse().unwrap());
        metadata.insert("x-token", "hunter2".parse().unwrap());
        metadata.insert_bin("x-raw-bin", MetadataValue::from_bytes(&[0, 255]));
        metadata.append_bin("x-raw-bin", MetadataValue::from_bytes(b"ab"));
        let mut texts = match client.streamed(method, request).await {
            Ok(texts) => texts,
            Err(status) => return assert_eq!(status.code(), Code::DataLoss),
        };
        assert_eq!(texts.message().await.unwrap(), Some("one".to_owned()));
        assert_eq!(texts.message().await.unwrap_err().code(), Code::DataLoss);
    });
    shop.call()
}

#[test]
fn headers_and_trailers_of_a_call_are_recorded_under_their_own_names() {
    for span in call("/shop.Pricing/Described") {
        let of = |key: &str| list(&span, key);
        assert_ended(&span, Some("DATA_LOSS"), Some("DATA_LOSS"));
        assert_eq!(of("rpc.request.header.x-tenant"), some(["blue"]));
        assert_eq!(of("rpc.request.header.x-token"), None);
        assert_eq!(of("rpc.request.header.x-raw-bin"), some(["AP8=", "YWI="]));
        assert_eq!(of("rpc.response.header.x-head"), some(["first"]));
        assert_eq!(of("rpc.response.header.x-head-bin"), some(["AQ=="]));
        assert_eq!(of("rpc.response.trailer.x-trail"), some(["last", "least"]));
        assert_eq!(of("rpc.response.trailer.x-trail-bin"), some(["AgM="]));
        assert_eq!(of("rpc.response.trailer.grpc-status"), some(["15"]));
        let former = ["rpc.request.metadata", "rpc.response.metadata", "http."];
        let found = span.attributes().iter().find(|it| {
            let key = it.key.as_str();
            former.iter().any(|former| key.starts_with(former))
        });
        assert_eq!(found, None, "{span:?}");
    }
}

// tonic sends the status and its metadata in the head, because no message comes before them.
#[test]
fn the_metadata_of_a_status_without_a_message_is_in_its_trailers() {
    for span in call("/shop.Pricing/Refused") {
        let of = |key: &str| list(&span, key);
        assert_eq!(of("rpc.response.trailer.x-trail"), some(["last", "least"]));
        assert_eq!(of("rpc.response.trailer.x-trail-bin"), some(["AgM="]));
        assert_eq!(of("rpc.response.trailer.grpc-status"), some(["15"]));
        assert_eq!(of("rpc.response.header.x-trail"), None);
    }
}
