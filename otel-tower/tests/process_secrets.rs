//! The list of secrets of a process. One test: the list is the process's.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::convert::Infallible;

use futures_util::FutureExt as _;
use http::{Request, Response};
use http_body_util::Empty;
use opentelemetry::{Array, Value};
use otel_testkit::{Recorder, Span};
use otel_tower::redact::{self, Secrets};
use otel_tower::{ClientLayer, CurrentRequest, ServerLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};

type Body = Empty<axum::body::Bytes>;

fn list(text: &str) -> Value {
    Value::Array(Array::String(vec![text.to_owned().into()]))
}

async fn answer(_: Request<Body>) -> Result<Response<Body>, Infallible> {
    CurrentRequest::get().set_attribute("shop.ticket", "abc");
    let answer = Response::builder().header("location", "/cb?ticket=abc&page=2");
    Ok(answer.body(Body::new()).unwrap())
}

fn request() -> Request<Body> {
    Request::get("http://shop.example/buy?ticket=abc&page=2")
        .header("referer", "https://h/?ticket=abc&page=2")
        .header("x-ticket", "abc")
        .body(Body::new())
        .unwrap()
}

fn take_span(recorder: &Recorder) -> Span {
    let span = recorder.spans().remove(0);
    recorder.clear();
    span
}

#[test]
fn the_list_of_the_process_applies_everywhere_and_that_of_a_builder_overrides_it() {
    let recorder = Recorder::new();
    // The layers are older than the list.
    let server = ServerLayer::new()
        .tracer_provider(&recorder.tracer_provider())
        .capture_request_headers(["referer", "x-ticket"])
        .capture_response_headers(["*"]);
    let client = ClientLayer::new().tracer_provider(&recorder.tracer_provider());
    redact::set_default(Secrets::default().also(["ticket"])).unwrap();

    let call = |server: ServerLayer| {
        let service = server.layer(service_fn(answer));
        service.oneshot(request()).now_or_never().unwrap().unwrap();
        take_span(&recorder)
    };
    let span = call(server.clone());
    let hidden = Value::from("ticket=REDACTED&page=2");
    assert_eq!(span.attribute("url.query"), Some(&hidden));
    assert_eq!(span.attribute("shop.ticket"), Some(&"REDACTED".into()));
    let referer = list("https://h/?ticket=REDACTED&page=2");
    assert_eq!(
        span.attribute("http.request.header.referer"),
        Some(&referer)
    );
    assert_eq!(span.attribute("http.request.header.x-ticket"), None);
    let location = list("/cb?ticket=REDACTED&page=2");
    assert_eq!(
        span.attribute("http.response.header.location"),
        Some(&location)
    );

    let client = client.layer(service_fn(answer));
    client.oneshot(request()).now_or_never().unwrap().unwrap();
    let span = take_span(&recorder);
    let full = Value::from("http://shop.example/buy?ticket=REDACTED&page=2");
    assert_eq!(span.attribute("url.full"), Some(&full));

    let span = call(server.secrets(Secrets::dangerously_only(["page"])));
    let hidden = Value::from("ticket=abc&page=REDACTED");
    assert_eq!(span.attribute("url.query"), Some(&hidden));
    assert_eq!(
        span.attribute("http.request.header.x-ticket"),
        Some(&list("abc"))
    );

    let second = redact::set_default(Secrets::dangerously_off());
    assert!(second.unwrap_err().to_string().contains("already set"));
    assert!(redact::current().is_secret("ticket"));
}
