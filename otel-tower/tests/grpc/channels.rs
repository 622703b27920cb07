//! What a tonic channel does not say by itself: where its calls go, and who answers them.

use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry::Value;
use otel_tower::ChannelPeer;
use tonic::Request;
use tonic::transport::Channel;
use tower::Layer as _;

use crate::harness::{Client, Shop, assert_ended};

const QUOTE: &str = "/shop.Pricing/Quote";
const FAIL: &str = "/shop.Pricing/Fail";

/// A `FileDescriptorSet` of `shop.Pricing` with the method `Fail`.
const DESCRIPTOR_SET: &[u8] = b"\x0a\x19\x12\x04shop\x32\x11\x0a\x07Pricing\x12\x06\x0a\x04Fail";

fn text(text: &str) -> Request<String> {
    Request::new(text.to_owned())
}

#[test]
fn a_channel_whose_connector_is_wrapped_has_the_address_of_its_peer() {
    let shop = Shop::open();
    let layer = shop.client_layer();
    for is_lazy in [true, false] {
        shop.recorder.clear();
        shop.in_work(async {
            let peer = ChannelPeer::default();
            let connector = peer.connector(HttpConnector::new());
            let endpoint = Channel::builder(shop.origin());
            let channel = if is_lazy {
                endpoint.connect_with_connector_lazy(connector)
            } else {
                endpoint.connect_with_connector(connector).await.unwrap()
            };
            let channel = layer.clone().channel_peer(peer).layer(channel);
            Client::new(channel).unary(QUOTE, text("")).await.unwrap();
        });
        let trace = shop.trace(4);
        let [client] = trace.children(trace.span("work").unwrap())[..] else {
            panic!("{trace}")
        };
        assert_ended(client, Some("OK"), None);
        let of = |key| client.attribute(key).cloned();
        assert_eq!(of("network.peer.address"), Some("127.0.0.1".into()));
        let port = i64::from(shop.address.port());
        assert_eq!(of("network.peer.port"), Some(Value::I64(port)));
    }
}

#[test]
fn a_channel_that_cannot_connect_has_no_peer() {
    let shop = Shop::open();
    shop.in_work(async {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let uri: http::Uri = format!("http://{}", closed.local_addr().unwrap())
            .parse()
            .unwrap();
        drop(closed);
        let peer = ChannelPeer::default();
        let connector = peer.connector(HttpConnector::new());
        let channel = Channel::builder(uri).connect_with_connector_lazy(connector);
        let channel = shop.client_layer().channel_peer(peer).layer(channel);
        Client::new(channel)
            .unary(QUOTE, text(""))
            .await
            .unwrap_err();
    });
    let trace = shop.trace(2);
    let client = trace.span("shop.Pricing/Quote").unwrap();
    assert_eq!(client.attribute("network.peer.address"), None);
}

#[test]
fn the_first_call_of_a_described_method_has_its_name_even_if_it_fails() {
    let shop = Shop::open_with(|layer| layer.grpc_descriptor_set(DESCRIPTOR_SET).unwrap());
    shop.in_work(async {
        // UNAVAILABLE, which does not make a method known
        shop.client().unary(FAIL, text("14")).await.unwrap_err();
    });
    let [_, server] = shop.call();
    assert_ended(&server, Some("UNAVAILABLE"), Some("UNAVAILABLE"));
    assert_eq!(server.name(), "shop.Pricing/Fail");
    let method = server.attribute("rpc.method");
    assert_eq!(method, Some(&"shop.Pricing/Fail".into()));
}

#[test]
fn descriptor_sets_and_lists_of_methods_add_up() {
    let shop = Shop::open_with(|layer| {
        let layer = layer.grpc_methods(["shop.Pricing/Quote"]);
        let layer = layer.grpc_descriptor_set(DESCRIPTOR_SET).unwrap();
        let other = b"\x0a\x16\x12\x04shop\x32\x0e\x0a\x05Stock\x12\x05\x0a\x03Any";
        layer.grpc_descriptor_set(other).unwrap()
    });
    shop.in_work(async {
        let mut client = shop.client();
        let _ = client.unary(QUOTE, text("")).await;
        let _ = client.unary(FAIL, text("14")).await;
        let _ = client.unary("/shop.Pricing/Steal", text("")).await;
    });
    let trace = shop.trace(8);
    let mut names: Vec<_> = trace
        .spans()
        .iter()
        .filter(|span| span.kind() == &opentelemetry::trace::SpanKind::Server)
        .map(otel_testkit::Span::name)
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["grpc", "shop.Pricing/Fail", "shop.Pricing/Quote"]);
}

#[test]
fn a_set_that_cannot_be_read_is_an_error() {
    let error = otel_tower::ServerLayer::new().grpc_descriptor_set(b"syntax = \"proto3\";");
    let message = error.unwrap_err().to_string();
    assert!(message.contains("descriptor_set_out"), "{message}");
    let error = otel_tower::ClientLayer::new().grpc_descriptor_set(b"");
    assert!(error.unwrap_err().is_empty());
}
