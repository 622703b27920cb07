//! Methods that are known, and those that a stranger makes up.

use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::rt::TokioExecutor;
use opentelemetry::trace::SpanKind;
use opentelemetry::{StringValue, Value};
use otel_testkit::Span;
use otel_tower::ServerLayer;
use tonic::Request;

use crate::harness::{Shop, assert_ended, block_on};

fn call(shop: &Shop, method: &'static str) {
    shop.in_work(async {
        let request = Request::new("12".to_owned());
        let _ = shop.client().unary(method, request).await;
    });
}

fn told(span: &Span) -> (String, Option<Value>, Option<Value>) {
    let attribute = |key| span.attribute(key).cloned();
    let (method, original) = (attribute("rpc.method"), attribute("rpc.method_original"));
    (span.name().to_owned(), method, original)
}

#[test]
fn a_method_that_no_one_has_is_other_on_the_server() {
    for method in ["/shop.Pricing/Steal", "/strangers.Service/Steal"] {
        let shop = Shop::open();
        call(&shop, method);
        let [client, server] = shop.call();
        let text = &method[1..];
        assert_eq!(told(&client), (text.to_owned(), Some(text.into()), None));
        assert_eq!(
            told(&server),
            ("grpc".to_owned(), Some("_OTHER".into()), Some(text.into()))
        );
        assert_ended(&server, Some("UNIMPLEMENTED"), Some("UNIMPLEMENTED"));
    }
}

#[test]
fn a_method_that_was_answered_stays_known_whatever_it_answers_then() {
    let shop = Shop::open();
    let method = "/shop.Pricing/Fail";
    shop.in_work(async {
        let mut client = shop.client();
        for code in ["0", "12"] {
            let request = Request::new(code.to_owned());
            let _ = client.unary(method, request).await;
        }
    });
    let trace = shop.trace(5);
    let servers = trace.spans().iter();
    let servers = servers.filter(|span| span.kind() == &SpanKind::Server);
    for server in servers {
        let known = "shop.Pricing/Fail";
        assert_eq!(told(server), (known.to_owned(), Some(known.into()), None));
    }
}

#[test]
fn a_refusal_does_not_make_a_method_known_and_a_handler_s_answer_does() {
    // UNAUTHENTICATED, as an interceptor says it of any method, then NOT_FOUND, as a handler does.
    let shop = Shop::open();
    shop.in_work(async {
        let mut client = shop.client();
        for code in ["16", "5", "16"] {
            let request = Request::new(code.to_owned());
            let _ = client.unary("/shop.Pricing/Fail", request).await;
        }
    });
    let trace = shop.trace(7);
    let mut servers: Vec<_> = trace.spans().iter().collect();
    servers.retain(|span| span.kind() == &SpanKind::Server);
    servers.sort_by_key(|span| span.start());
    let names: Vec<_> = servers.iter().map(|span| span.name()).collect();
    assert_eq!(names, ["grpc", "shop.Pricing/Fail", "shop.Pricing/Fail"]);
}

#[test]
fn named_metadata_is_captured_and_secrets_never() {
    let shop = Shop::open_with(|layer| {
        let layer = layer
            .grpc()
            .capture_request_headers(["x-tenant", "authorization"]);
        layer.capture_response_headers(["content-type"])
    });
    shop.in_work(async {
        let mut request = Request::new("espresso".to_owned());
        request
            .metadata_mut()
            .insert("x-tenant", "blue".parse().unwrap());
        request
            .metadata_mut()
            .insert("authorization", "hunter2".parse().unwrap());
        shop.client()
            .unary("/shop.Pricing/Quote", request)
            .await
            .unwrap();
    });
    let trace = shop.trace(4);
    let server = trace
        .spans()
        .iter()
        .find(|span| span.kind() == &SpanKind::Server);
    let server = server.unwrap();
    let list = |text: &'static str| Value::Array(vec![StringValue::from(text)].into());
    let of = |key| server.attribute(key).cloned();
    assert_eq!(of("rpc.request.metadata.x-tenant"), Some(list("blue")));
    assert_eq!(
        of("rpc.response.metadata.content-type"),
        Some(list("application/grpc"))
    );
    assert_ended(server, Some("OK"), None);
}

#[test]
fn a_request_that_is_no_call_is_one_of_http() {
    let shop = Shop::open_with(ServerLayer::grpc);
    let status = block_on(async {
        let client: HyperClient<_, Empty<tonic::codegen::Bytes>> =
            HyperClient::builder(TokioExecutor::new())
                .http2_only(true)
                .build_http();
        let uri = format!("http://{}/healthy", shop.address).parse().unwrap();
        let response = client.get(uri).await.unwrap();
        let status = response.status();
        response.into_body().collect().await.unwrap();
        status
    });
    let trace = shop.trace(1);
    let span = &trace.spans()[0];
    assert_eq!(span.name(), "GET");
    let code = i64::from(status.as_u16());
    assert_eq!(
        span.attribute("http.response.status_code"),
        Some(&code.into())
    );
    assert_eq!(span.attribute("rpc.system.name"), None);
}
