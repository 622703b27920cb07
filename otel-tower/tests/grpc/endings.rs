//! Calls that are given up, run out of time, or break.

use std::time::Duration;

use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::rt::TokioExecutor;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tower::Layer as _;

use crate::harness::{Client, Shop, assert_ended};

const HANG: &str = "/shop.Pricing/Hang";

fn text() -> Request<String> {
    Request::new(String::new())
}

fn give_up(shop: &Shop) -> [otel_testkit::Span; 2] {
    shop.in_work(async {
        let mut client = shop.client();
        tokio::select! {
            _ = client.unary(HANG, text()) => panic!("it never answers"),
            () = shop.pricing.begun.notified() => {}
        }
        shop.ended(2).await;
    });
    shop.call()
}

#[test]
fn a_call_that_its_client_gives_up_is_cancelled_and_no_error_of_the_server() {
    let shop = Shop::open_with(|layer| layer.grpc_methods(["shop.Pricing/Hang"]));
    let [client, server] = give_up(&shop);
    assert_ended(&client, Some("CANCELLED"), Some("CANCELLED"));
    assert_ended(&server, Some("CANCELLED"), None);
    assert_eq!(server.name(), "shop.Pricing/Hang");
    let method = server.attribute("rpc.method");
    assert_eq!(method, Some(&"shop.Pricing/Hang".into()));
}

#[test]
fn a_call_that_is_given_up_does_not_make_its_method_known() {
    let shop = Shop::open();
    let [_, server] = give_up(&shop);
    assert_ended(&server, Some("CANCELLED"), None);
    assert_eq!(server.name(), "grpc");
    assert_eq!(server.attribute("rpc.method"), Some(&"_OTHER".into()));
}

#[test]
fn a_stream_that_its_client_drops_midway_is_cancelled() {
    let shop = Shop::open();
    shop.in_work(async {
        let mut client = shop.client();
        let mut texts = client
            .server_streaming("/shop.Pricing/Watch")
            .await
            .unwrap();
        assert_eq!(texts.message().await.unwrap(), Some("one".to_owned()));
        drop(texts);
        shop.ended(2).await;
    });
    let [client, server] = shop.call();
    assert_ended(&client, Some("CANCELLED"), Some("CANCELLED"));
    assert_ended(&server, Some("CANCELLED"), None);
}

#[test]
fn a_deadline_that_passes_at_the_server_is_deadline_exceeded() {
    let shop = Shop::open();
    let limit = Duration::from_millis(100);
    shop.in_work(async {
        let mut request = text();
        request.set_timeout(limit);
        // Unlike a channel, it sends `grpc-timeout` and keeps no time itself.
        let client = HyperClient::builder(TokioExecutor::new())
            .http2_only(true)
            .build_http::<tonic::body::Body>();
        let client = shop.client_layer().layer(client);
        let mut client = Client::with_origin(client, shop.origin());
        let status = client.unary(HANG, request).await.unwrap_err();
        // This is how tonic's server tells it.
        assert_eq!(status.code(), Code::Cancelled);
    });
    let [client, server] = shop.call();
    assert_ended(
        &server,
        Some("DEADLINE_EXCEEDED"),
        Some("DEADLINE_EXCEEDED"),
    );
    assert_ended(&client, Some("CANCELLED"), Some("CANCELLED"));
    assert!(server.duration() >= limit, "{server:?}");
    assert!(client.duration() >= server.duration(), "{client:?}");
    let peer = client.attribute("network.peer.address");
    assert_eq!(peer, Some(&"127.0.0.1".into()));
}

#[test]
fn a_deadline_that_passes_at_the_client_is_its_timeout() {
    let shop = Shop::open();
    let limit = Duration::from_millis(500);
    shop.in_work(async {
        let channel = Channel::builder(shop.origin());
        let channel = channel.timeout(limit).connect_lazy();
        let mut client = Client::new(shop.client_layer().layer(channel));
        client.unary(HANG, text()).await.unwrap_err();
        // It has come to the handler in that time.
        shop.pricing.begun.notified().await;
        shop.ended(2).await;
    });
    let [client, server] = shop.call();
    assert_ended(&client, Some("DEADLINE_EXCEEDED"), Some("timeout"));
    assert!(client.duration() >= limit, "{client:?}");
    // It was told nothing of the limit.
    assert_ended(&server, Some("CANCELLED"), None);
}

#[test]
fn a_handler_that_panics_is_an_error_and_has_no_status() {
    let shop = Shop::open();
    let told = shop.in_work(async {
        let mut client = shop.client();
        let answer = client.unary("/shop.Pricing/Panic", text()).await;
        format!("{:?}", answer.unwrap_err().code()).to_uppercase()
    });
    let [client, server] = shop.call();
    assert_ended(&server, None, Some("panic"));
    assert_ended(&client, Some(&told), Some("request"));
}

#[test]
fn a_service_s_error_that_tells_a_status_has_that_and_is_an_error_where_it_counts_as_one() {
    use http::{Request, Response};
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use otel_tower::ServerLayer;
    use tonic::Status;
    use tower::ServiceExt as _;

    type Boxed = Box<dyn std::error::Error + Send + Sync>;
    let fail = |error: fn() -> Boxed| {
        let recorder = otel_testkit::Recorder::new();
        let provider: SdkTracerProvider = recorder.tracer_provider();
        let service = tower::service_fn(move |_: Request<String>| {
            let error = error();
            async { Err::<Response<String>, Boxed>(error) }
        });
        let server = ServerLayer::new().grpc_methods(["shop.Pricing/Quote"]);
        let server = server.without_tracing_span().tracer_provider(&provider);
        let client = crate::harness::client_layer(&recorder);
        let service = client.layer(server.layer(service));
        let request = Request::post("http://shop/shop.Pricing/Quote")
            .version(http::Version::HTTP_2)
            .header("content-type", "application/grpc")
            .body(String::new())
            .unwrap();
        crate::harness::block_on(service.oneshot(request)).unwrap_err();
        let [server, client] = &recorder.spans()[..] else {
            panic!("{:?}", recorder.spans())
        };
        [server.clone(), client.clone()]
    };
    let [server, client] = fail(|| Status::unauthenticated("hunter2").into());
    assert_ended(&server, Some("UNAUTHENTICATED"), None);
    assert_ended(&client, Some("UNAUTHENTICATED"), Some("UNAUTHENTICATED"));
    let [server, client] = fail(|| Status::data_loss("hunter2").into());
    assert_ended(&server, Some("DATA_LOSS"), Some("DATA_LOSS"));
    assert_ended(&client, Some("DATA_LOSS"), Some("DATA_LOSS"));
    let [server, client] = fail(|| "hunter2".into());
    assert_ended(&server, None, Some("service_error"));
    assert_ended(&client, Some("UNKNOWN"), Some("_OTHER"));
}
