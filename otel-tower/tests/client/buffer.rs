//! A client behind tower's `Buffer`, which calls it in another task.

use axum::body::Bytes;
use http::Request;
use http_body_util::Full;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::FutureExt as _;
use opentelemetry::{Context, KeyValue};
use otel_testkit::Recorder;
use otel_tower::predicate::path;
use otel_tower::{CallParent, ClientLayer};
use tower::{ServiceBuilder, ServiceExt as _};

use crate::harness::{client, get, in_work, layer, only_call, serve, traceparent};

fn with_parent(mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    request.extensions_mut().insert(CallParent::current());
    request
}

/// Sends a request through a buffer. Returns what the server has seen.
async fn send(layer: ClientLayer) -> (Option<String>, Option<String>) {
    let (address, seen) = serve().await;
    let client = ServiceBuilder::new()
        .map_request(with_parent)
        .buffer(8)
        .layer(layer)
        .service(client());
    let baggage = Context::current_with_baggage([KeyValue::new("user", "ada")]);
    let sent = async { client.oneshot(get(address, "/")).await };
    sent.with_context(baggage).await.unwrap();
    let header = |name| seen.header(name).remove(0);
    (header("traceparent"), header("baggage"))
}

#[test]
fn a_call_behind_a_buffer_is_a_child_of_its_caller_s_span_of_the_api() {
    let recorder = Recorder::new();
    let (sent, baggage) = in_work(&recorder, send(layer(&recorder)));
    assert_eq!(sent, Some(traceparent(&only_call(&recorder))));
    assert_eq!(baggage.as_deref(), Some("user=ada"));
}

#[test]
fn a_skipped_call_behind_a_buffer_sends_its_caller_s_context() {
    let recorder = Recorder::new();
    let layer = layer(&recorder).skip(path("/"));
    let (sent, baggage) = in_work(&recorder, send(layer));
    let trace = recorder.trace();
    assert_eq!(trace.spans().len(), 1, "{trace}");
    assert_eq!(sent, Some(traceparent(&trace.spans()[0])));
    assert_eq!(baggage.as_deref(), Some("user=ada"));
}
