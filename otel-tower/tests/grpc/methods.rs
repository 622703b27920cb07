//! Methods that are known, and those that a stranger makes up.

use std::convert::Infallible;

use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::rt::TokioExecutor;
use opentelemetry::trace::SpanKind;
use opentelemetry::{StringValue, Value};
use otel_testkit::{Recorder, Span};
use otel_tower::{PathRedaction, ServerLayer};
use tonic::Request;
use tonic::codegen::Bytes;
use tower::{Layer as _, ServiceExt as _, service_fn};

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
fn a_long_method_is_cut_on_the_server() {
    let shop = Shop::open();
    let method: &'static str = format!("/shop.Pricing/{}", "m".repeat(10_000)).leak();
    call(&shop, method);
    let [_, server] = shop.call();
    let cut = Some(method[1..=1_024].to_owned().into());
    assert_eq!(
        told(&server),
        ("grpc".to_owned(), Some("_OTHER".into()), cut)
    );
}

#[test]
fn a_method_that_no_one_has_may_be_a_path_with_a_secret() {
    let shop = Shop::open_with(|layer| {
        let layer = layer.grpc();
        layer.redact_paths(PathRedaction::from_templates(["/reset/{token}"]))
    });
    call(&shop, "/reset/hunter2");
    let [_, server] = shop.call();
    let original = Some("reset/REDACTED".into());
    assert_eq!(
        told(&server),
        ("grpc".to_owned(), Some("_OTHER".into()), original)
    );
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
    assert_eq!(of("rpc.request.header.x-tenant"), Some(list("blue")));
    assert_eq!(
        of("rpc.response.header.content-type"),
        Some(list("application/grpc"))
    );
    assert_ended(server, Some("OK"), None);
}

#[test]
fn a_request_that_is_no_call_is_one_of_http() {
    let shop = Shop::open_with(ServerLayer::grpc);
    let status = block_on(async {
        let client: HyperClient<_, Empty<Bytes>> = HyperClient::builder(TokioExecutor::new())
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

/// Has a service answer a call like this, and returns the call's span.
fn answered(
    layer: impl FnOnce(ServerLayer) -> ServerLayer,
    path: &str,
    head: &[(&'static str, &'static str)],
    trailers: &[(&'static str, &'static str)],
) -> Span {
    let recorder = Recorder::new();
    let server = ServerLayer::new().grpc().without_tracing_span();
    let server = layer(server.tracer_provider(&recorder.tracer_provider()));
    let map = |fields: &[(&'static str, &'static str)]| -> HeaderMap {
        let fields = fields.iter();
        let field = |(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        fields.map(field).collect()
    };
    let (head, trailers) = (map(head), map(trailers));
    let service = server.layer(service_fn(move |_: http::Request<String>| {
        let trailers = trailers.clone();
        // A proxy may pass on a frame of nothing, which is no message.
        let frames = [Ok(Frame::data(Bytes::new())), Ok(Frame::trailers(trailers))];
        let body = StreamBody::new(stream::iter(frames.map(|it: Result<_, Infallible>| it)));
        let mut response = http::Response::new(body);
        *response.headers_mut() = head.clone();
        async { Ok::<_, Infallible>(response) }
    }));
    let request = http::Request::post(path)
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc");
    block_on(async {
        let request = request.body(String::new()).unwrap();
        let response = service.oneshot(request).await.unwrap();
        response.into_body().collect().await.unwrap();
    });
    recorder.trace().spans()[0].clone()
}

#[test]
fn only_the_answer_of_a_handler_of_grpc_makes_a_method_known() {
    let grpc = ("content-type", "application/grpc+proto");
    let html = ("content-type", "text/html");
    // A page is not the answer of a call, so its request is not a call.
    let page = answered(|layer| layer, "/shop.Answered/Page", &[html], &[]);
    assert_eq!(told(&page), ("POST".to_owned(), None, None));
    let call = [("grpc-status", "12")];
    let after = answered(|layer| layer, "/shop.Answered/Page", &[grpc], &call);
    assert_eq!(after.attribute("rpc.method"), Some(&"_OTHER".into()));
    // The head of the response, its trailers, and whether the method is known by them.
    let table: [(&[_], &[_], bool); 5] = [
        (&[html, ("grpc-status", "0")], &[], false),
        (&[grpc], &[("grpc-status", "12")], false),
        (&[grpc], &[], false),
        (&[grpc], &[("grpc-status", "0")], true),
        (&[grpc, ("grpc-status", "5")], &[], true),
    ];
    for (place, (head, trailers, is_known)) in (0..).zip(table) {
        let method = format!("shop.Answered/M{place}");
        let span = answered(|layer| layer, &format!("/{method}"), head, trailers);
        let value = Value::from(method.clone());
        let expected = if is_known {
            (method, Some(value), None)
        } else {
            ("grpc".to_owned(), Some("_OTHER".into()), Some(value))
        };
        assert_eq!(told(&span), expected, "{head:?} {trailers:?}");
    }
}

#[test]
fn a_name_that_a_hook_gave_stays_also_where_the_method_is_none() {
    let named = |layer: ServerLayer| layer.on_request(|_, span| span.set_name("mine"));
    let span = answered(named, "/shop.Pricing/Steal", &[("grpc-status", "16")], &[]);
    assert_eq!(span.name(), "mine");
    assert_eq!(span.attribute("rpc.method"), Some(&"_OTHER".into()));
}
