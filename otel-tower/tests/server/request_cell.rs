//! What a handler says about its request reaches that request, and no other one.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::routing::get as on_get;
use futures_util::FutureExt as _;
use opentelemetry::trace::{Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, Value};
use otel_core::error::RecordError as _;
use otel_testkit::{Recorder, Span};
use otel_tower::{RequestSpan, ServerLayer, predicate};
use tokio::sync::Barrier;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::client::{Connection, get, request};
use crate::harness::{Mode, Server, in_every_mode};
use crate::meters::Meters;

const NAME: &str = "core::num::error::ParseIntError";

fn values<'a>(span: &'a Span, key: &str) -> Vec<&'a Value> {
    let attributes = span.attributes().iter();
    let with_key = attributes.filter(|it| it.key.as_str() == key);
    with_key.map(|it| &it.value).collect()
}

fn fail() -> StatusCode {
    let _ = "free".parse::<u64>().record_err();
    StatusCode::INTERNAL_SERVER_ERROR
}

in_every_mode! { ALL:
    fn a_handler_that_asks_for_its_request_answers_in_every_mode(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let label = |request: RequestSpan| async move {
                request.add_metric_attribute("tenant", "blue");
                request.set_attribute("user.id", "ada");
                "hello"
            };
            let layer = layer.skip(predicate::path("/skipped"));
            Router::new().route("/", on_get(label)).route("/skipped", on_get(label)).layer(layer)
        });
        for path in ["/", "/skipped"] {
            let answer = get(server.address, path);
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
        }
        if mode != Mode::Nothing {
            let points = server.meters.wait_for("http.server.request.duration", 1);
            assert_eq!(points[0].attributes["tenant"], Value::from("blue"));
        }
    }
}

in_every_mode! { MEASURED:
    fn of_many_requests_at_once_each_has_its_own_recorded_error(mode: Mode) {
        const REQUESTS: usize = 100;
        let together = Arc::new(Barrier::new(REQUESTS));
        let server = Server::start(mode, |layer| {
            let failing = move || async move {
                let answer = fail();
                together.wait().await;
                answer
            };
            Router::new().route("/", on_get(failing)).layer(layer)
        });
        let close = ["connection: close"];
        let connections: Vec<_> = (0..REQUESTS)
            .map(|_| Connection::send(server.address, "GET /", &close))
            .collect();
        for mut connection in connections {
            assert!(connection.read_to_end().starts_with("HTTP/1.1 500"));
        }
        let points = server.meters.wait_for("http.server.request.duration", REQUESTS as u64);
        assert_eq!(points.len(), 1, "{points:?}");
        assert_eq!(points[0].attributes["error.type"], Value::from(NAME));
        if mode == Mode::WithoutSdk {
            continue;
        }
        let trace = server.recorder.spans();
        assert_eq!(trace.len(), REQUESTS);
        for span in trace {
            assert_eq!(values(&span, "error.type"), [&Value::from(NAME)]);
            assert_eq!(span.status(), &Status::error("invalid digit found in string"));
        }
    }

    fn a_request_never_gets_the_error_of_another_under_the_same_caller(mode: Mode) {
        let together = Arc::new(Barrier::new(2));
        let server = Server::start(mode, move |layer| {
            let [one, other] = [(); 2].map(|()| Arc::clone(&together));
            let failing = move || async move {
                let answer = fail();
                one.wait().await;
                answer
            };
            let fine = move || async move { other.wait().await; "hello" };
            Router::new().route("/bad", on_get(failing)).route("/good", on_get(fine)).layer(layer)
        });
        let parent = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut bad = Connection::send(server.address, "GET /bad", &[parent, "connection: close"]);
        request(server.address, "GET /good", &[parent]);
        bad.read_to_end();
        for point in server.meters.wait_for("http.server.request.duration", 2) {
            let expected = match point.attributes["http.response.status_code"] {
                Value::I64(200) => None,
                _ => Some(Value::from(NAME)),
            };
            assert_eq!(point.attributes.get("error.type").cloned(), expected);
        }
    }

    fn an_error_of_a_span_in_the_handler_is_not_an_error_of_the_request(mode: Mode) {
        let provider = Recorder::new().tracer_provider();
        let server = Server::start(mode, move |layer| {
            let handler = || async move {
                let span = provider.tracer("test").start("price");
                let _active = Context::current_with_span(span).attach();
                let _ = "free".parse::<u64>().record_err();
                "hello"
            };
            Router::new().route("/", on_get(handler)).layer(layer)
        });
        get(server.address, "/");
        server.assert_ended(Some(200), None);
    }

    fn an_error_that_a_task_of_the_request_records_is_there_once(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let handler = || async {
                let work = otel_core::task::in_context(async { fail() });
                tokio::spawn(work).await.unwrap()
            };
            Router::new().route("/", on_get(handler)).layer(layer)
        });
        get(server.address, "/");
        let points = server.meters.wait_for("http.server.request.duration", 1);
        assert_eq!(points[0].attributes["error.type"], Value::from(NAME));
        if mode != Mode::WithoutSdk {
            assert_eq!(values(&server.span(), "error.type"), [&Value::from(NAME)]);
        }
    }

    fn the_last_word_about_an_error_counts(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let handler = || async {
                let _ = "free".parse::<u64>().record_err();
                RequestSpan::current().set_error("sold_out");
                StatusCode::CONFLICT
            };
            Router::new().route("/", on_get(handler)).layer(layer)
        });
        get(server.address, "/");
        server.assert_ended(Some(409), Some("sold_out"));
    }
}

in_every_mode! { TRACED:
    fn a_handler_replaces_the_attributes_of_the_layer(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer
                .capture_response_headers(["content-type"])
                .on_request(|_, span| span.set_attribute("url.scheme", "wss"))
                .on_response(|_, _, span| {
                    span.set_attribute("http.response.header.content-type", "mine");
                });
            let handler = || async {
                let request = RequestSpan::current();
                request.set_attribute("url.path", "/users/x");
                request.set_attribute("http.route", "/mine");
                request.set_attribute("http.response.status_code", 299);
                request.set_attribute("error.type", "first");
                request.set_attribute("error.type", "second");
                StatusCode::INTERNAL_SERVER_ERROR
            };
            Router::new().route("/users/{id}", on_get(handler)).layer(layer)
        });
        get(server.address, "/users/42");
        let span = server.span();
        for (key, value) in [
            ("url.scheme", Value::from("wss")),
            ("url.path", Value::from("/users/x")),
            ("http.route", Value::from("/mine")),
            ("http.response.status_code", Value::I64(299)),
            ("http.response.header.content-type", Value::from("mine")),
            ("error.type", Value::from("second")),
        ] {
            assert_eq!(values(&span, key).last(), Some(&&value), "{key}");
        }
        // What the layer sets at the end is there once, with every provider.
        for key in ["http.response.status_code", "http.response.header.content-type", "error.type"] {
            assert_eq!(values(&span, key).len(), 1, "{key}");
        }
    }

    fn a_handler_reads_the_ids_of_its_span(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let ids = |request: RequestSpan| async move {
                let span = tracing::info_span!("below");
                let (trace, id) = (request.trace_id().unwrap(), request.span_id().unwrap());
                span.in_scope(|| assert_eq!(RequestSpan::current().span_id(), Some(id)));
                format!("{trace} {id}")
            };
            Router::new().route("/", on_get(ids)).layer(layer)
        });
        let answer = get(server.address, "/");
        let is_server = |span: &&Span| span.name() == "GET /";
        server.recorder.wait_for(|it| it.spans().iter().any(|span| is_server(&span)), crate::meters::LIMIT).unwrap();
        let spans = server.recorder.spans();
        let span = spans.iter().find(is_server).unwrap();
        assert!(answer.ends_with(&format!("{} {}", span.trace_id(), span.span_id())), "{answer}");
    }
}

/// The span is not the request's, so nothing writes the error there when the request ends.
#[test]
fn an_error_of_a_request_without_a_span_is_recorded_on_the_span_around_it() {
    let (recorder, meters) = (Recorder::new(), Meters::new());
    let tracer = recorder.tracer_provider().tracer("test");
    let connection = Context::new().with_span(tracer.start("connection"));
    let service = ServerLayer::new()
        .meter_provider(&meters.provider)
        .layer(service_fn(|_: Request<Body>| async {
            let _ = "free".parse::<u64>().record_err();
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    {
        let _active = connection.clone().attach();
        let call = service.oneshot(Request::new(Body::empty()));
        drop(call.now_or_never().unwrap());
    }
    connection.span().end();
    let span = recorder.trace().spans()[0].clone();
    assert_eq!(values(&span, "error.type"), [&Value::from(NAME)]);
    assert_eq!(
        span.status(),
        &Status::error("invalid digit found in string")
    );
    let points = meters.wait_for("http.server.request.duration", 1);
    assert_eq!(points[0].attributes["error.type"], Value::from(NAME));
}
