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

#[test]
fn a_call_that_its_client_gives_up_is_cancelled_and_no_error_of_the_server() {
    let shop = Shop::open();
    shop.in_work(async {
        let mut client = shop.client();
        tokio::select! {
            _ = client.unary(HANG, text()) => panic!("it never answers"),
            () = shop.pricing.begun.notified() => {}
        }
        // The channel's connection carries the reset while this runtime runs.
        while shop.recorder.spans().len() < 2 {
            tokio::task::yield_now().await;
        }
    });
    let [client, server] = shop.call();
    assert_ended(&client, Some("CANCELLED"), Some("CANCELLED"));
    assert_ended(&server, Some("CANCELLED"), None);
    assert_eq!(server.name(), "shop.Pricing/Hang");
    assert_eq!(
        server.attribute("rpc.method"),
        Some(&"shop.Pricing/Hang".into())
    );
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
        while shop.recorder.spans().len() < 2 {
            tokio::task::yield_now().await;
        }
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
    let limit = Duration::from_millis(100);
    shop.in_work(async {
        let channel = Channel::builder(shop.origin());
        let channel = channel.timeout(limit).connect_lazy();
        let mut client = Client::new(shop.client_layer().layer(channel));
        client.unary(HANG, text()).await.unwrap_err();
        while shop.recorder.spans().len() < 2 {
            tokio::task::yield_now().await;
        }
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
    shop.in_work(async {
        let mut client = shop.client();
        client
            .unary("/shop.Pricing/Panic", text())
            .await
            .unwrap_err();
    });
    let [client, server] = shop.call();
    assert_ended(&server, None, Some("panic"));
    assert_ended(&client, Some("UNKNOWN"), Some("request"));
}
