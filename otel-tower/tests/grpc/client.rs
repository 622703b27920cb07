//! The client half where no server answers, and what it measures.

use opentelemetry::trace::SpanKind;
use otel_testkit::Recorder;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tower::Layer as _;

use crate::harness::{Client, assert_ended, client_layer, in_work};

#[test]
fn a_server_that_cannot_be_reached_is_unavailable() {
    let recorder = Recorder::new();
    // Bound and closed again: no one listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let code = in_work(&recorder, async {
        let origin: http::Uri = origin.parse().unwrap();
        let channel = Channel::builder(origin.clone()).connect_lazy();
        let channel = client_layer(&recorder).origin(origin).layer(channel);
        let request = Request::new(String::new());
        let mut client = Client::new(channel);
        let answer = client.unary("/shop.Pricing/Quote", request).await;
        answer.unwrap_err().code()
    });
    assert_eq!(code, Code::Unavailable);
    let trace = recorder.trace();
    let [client] = trace.children(trace.span("work").unwrap())[..] else {
        panic!("{trace}")
    };
    assert_eq!(client.kind(), &SpanKind::Client);
    assert_eq!(client.name(), "shop.Pricing/Quote");
    assert_ended(client, Some("UNAVAILABLE"), Some("connect"));
}
