//! When and where hooks run, and what they change.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::get as on_get;
use futures_util::{StreamExt as _, stream};
use opentelemetry::trace::{TraceContextExt as _, TraceId, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, Value};
use otel_testkit::Recorder;
use otel_tower::{End, EndAt, RequestSpan, ServerLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::client::{get, request};
use crate::harness::{Mode, Server, in_every_mode};
use crate::meters::LIMIT;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// What was seen at one place: its name, the active ids, the ids of the request.
type Seen = (&'static str, [Option<String>; 2], [Option<String>; 2]);

#[derive(Clone, Default)]
struct Places(Arc<Mutex<Vec<Seen>>>);

impl Places {
    fn see(&self, place: &'static str) {
        let ids = Context::current().span().span_context().clone();
        let active = [ids.trace_id().to_string(), ids.span_id().to_string()].map(Some);
        let request = RequestSpan::current();
        let current = [
            request.trace_id().map(|id| id.to_string()),
            request.span_id().map(|id| id.to_string()),
        ];
        self.0.lock().unwrap().push((place, active, current));
    }

    /// Waits until this many places have been seen.
    fn wait_for(&self, count: usize) -> Vec<Seen> {
        let started = std::time::Instant::now();
        while self.0.lock().unwrap().len() < count {
            assert!(started.elapsed() < LIMIT);
            std::thread::yield_now();
        }
        self.0.lock().unwrap().clone()
    }
}

fn watched(layer: ServerLayer, places: &Places) -> ServerLayer {
    let [request, response, end_at, end] = [(); 4].map(|()| places.clone());
    layer
        .on_request(move |_, _| request.see("on_request"))
        .on_response(move |_, _, _| response.see("on_response"))
        .end_at_by(move |_, _| {
            end_at.see("end_at_by");
            EndAt::Body
        })
        .on_end(move |_, _, _| end.see("on_end"))
}

/// Answers with each ending.
async fn end(path: axum::extract::Path<String>) -> Response<Body> {
    match path.as_str() {
        "complete" => "hello".into_response(),
        "refused" => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        "broken" => {
            let frames = [Ok("frame"), Err(std::io::Error::other("disk gone"))];
            Body::from_stream(stream::iter(frames)).into_response()
        }
        "panic" => panic!("on purpose"),
        "panic-later" => {
            let first = stream::iter([Ok::<_, std::io::Error>("frame")]);
            let panics = stream::poll_fn(|_| panic!("on purpose"));
            Body::from_stream(first.chain(panics)).into_response()
        }
        other => panic!("no ending is {other}"),
    }
}

in_every_mode! { ALL:
    fn all_hooks_run_inside_the_context_of_the_request(mode: Mode) {
        let places = Places::default();
        let app_places = places.clone();
        let server = Server::start(mode, move |layer| {
            let handler_places = app_places.clone();
            let handler = move || async move { handler_places.see("handler"); "hello" };
            Router::new().route("/", on_get(handler)).layer(watched(layer, &app_places))
        });
        let parent = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01");
        request(server.address, "GET /", &[&parent]);
        let seen = places.wait_for(5);
        let names: Vec<_> = seen.iter().map(|it| it.0).collect();
        assert_eq!(names, ["on_request", "handler", "on_response", "end_at_by", "on_end"]);
        let is_own = !matches!(mode, Mode::WithoutSdk | Mode::Nothing);
        for (place, active, current) in &seen {
            assert_eq!(active, &seen[1].1, "{place}");
            assert_eq!(active[0].as_deref(), Some(TRACE), "{place}");
            assert_eq!(current[0].as_deref(), Some(TRACE), "{place}");
            let own = is_own.then(|| active[1].clone()).flatten();
            assert_eq!(current[1], own, "{place}");
        }
        if matches!(mode, Mode::WithoutSdk | Mode::Unsampled | Mode::Nothing) {
            continue;
        }
        let ids = server.span().span_id().to_string();
        assert!(seen.iter().all(|it| it.1[1].as_ref() == Some(&ids)));
    }

    fn an_end_hook_runs_once_for_every_ending(mode: Mode) {
        let table = [
            ("broken", End::Failed("body_error"), Some(200), Some("body_error")),
            ("complete", End::Complete, Some(200), None),
            ("panic", End::Panicked, None, Some("panic")),
            ("panic-later", End::Panicked, Some(200), Some("panic")),
            ("refused", End::Complete, Some(503), Some("503")),
        ];
        let ends = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&ends);
        let server = Server::start(mode, move |layer| {
            let layer = layer.on_end(move |request, outcome, _| {
                assert!(!outcome.duration().is_zero());
                let status = outcome.status().map(|it| it.as_u16());
                let error = outcome.error_type().map(str::to_owned);
                let path = request.uri().path().to_owned();
                sink.lock().unwrap().push((path, outcome.end(), status, error));
            });
            Router::new().route("/{ending}", on_get(end)).layer(layer)
        });
        for (ending, ..) in table {
            get(server.address, &format!("/{ending}"));
        }
        let started = std::time::Instant::now();
        while ends.lock().unwrap().len() < table.len() {
            assert!(started.elapsed() < LIMIT, "{ends:?}");
            std::thread::yield_now();
        }
        drop(server);
        let mut ends = ends.lock().unwrap().clone();
        ends.sort_by(|one, other| one.0.cmp(&other.0));
        let expected = table.map(|(ending, end, status, error)| {
            (format!("/{ending}"), end, status, error.map(str::to_owned))
        });
        assert_eq!(ends, expected);
    }
}

in_every_mode! { MEASURED:
    fn an_end_hook_has_the_last_word(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer
                .on_response(|_, _, span| span.set_error("early"))
                .on_end(|_, outcome, span| {
                    assert_eq!(outcome.error_type(), Some("early"));
                    span.set_attribute("shop.late", true);
                    span.clear_error();
                });
            Router::new().route("/", on_get(|| async { StatusCode::INTERNAL_SERVER_ERROR })).layer(layer)
        });
        get(server.address, "/");
        if let Some(span) = server.assert_ended(Some(500), None) {
            assert_eq!(span.attribute("shop.late"), Some(&Value::Bool(true)));
        }
    }
}

in_every_mode! { MEASURED:
    fn a_response_that_a_hook_clears_still_fails_if_its_body_breaks(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer.on_response(|_, _, span| span.clear_error());
            Router::new().route("/{ending}", on_get(end)).layer(layer)
        });
        get(server.address, "/broken");
        server.assert_ended(Some(200), Some("body_error"));
    }
}

/// A layer inside another one, such as that of a nested router, may skip what the outer one traces.
#[test]
fn a_layer_that_skips_a_request_does_not_hide_it_from_its_handler() {
    let recorder = Recorder::new();
    let layer = ServerLayer::new().tracer_provider(&recorder.tracer_provider());
    let skips = layer
        .clone()
        .skip(otel_tower::predicate::path("/"))
        .on_end(|_, _, _| panic!("a skipped request has no hooks"));
    let inner = skips.layer(service_fn(|_: Request<Body>| async {
        RequestSpan::current().set_error("sold_out");
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));
    let call = layer.layer(inner).oneshot(Request::new(Body::empty()));
    drop(futures_util::FutureExt::now_or_never(call).unwrap());
    let span = recorder.trace().spans()[0].clone();
    assert_eq!(span.attribute("error.type"), Some(&Value::from("sold_out")));
}

/// Without a meter provider too, the clock starts before the first hook.
#[test]
fn the_duration_of_an_outcome_includes_the_hooks_of_the_request() {
    const SLOW: std::time::Duration = std::time::Duration::from_millis(50);
    let seen = Arc::new(Mutex::new(None));
    let sink = Arc::clone(&seen);
    let service = ServerLayer::new()
        .on_request(|_, _| {
            let started = std::time::Instant::now();
            while started.elapsed() < SLOW {
                std::hint::spin_loop();
            }
        })
        .on_end(move |_, outcome, _| *sink.lock().unwrap() = Some(outcome.duration()))
        .layer(service_fn(|_: Request<Body>| async {
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let call = service.oneshot(Request::new(Body::empty()));
    drop(futures_util::FutureExt::now_or_never(call).unwrap());
    assert!(seen.lock().unwrap().unwrap() >= SLOW, "{seen:?}");
}

/// A span of the application, such as one of a connection, around a request that has no span of its own.
#[test]
fn hooks_and_handlers_never_change_the_span_around_their_request() {
    let recorder = Recorder::new();
    let tracer = recorder.tracer_provider().tracer("test");
    let connection = Context::new().with_span(tracer.start("connection"));
    let service = ServerLayer::new()
        .on_request(|_, span| {
            assert!(!span.is_recording());
            span.set_name("x");
            span.set_attribute("x", 1);
        })
        .on_response(|_, _, span| span.set_error("x"))
        .on_end(|_, _, span| span.set_name("x"))
        .layer(service_fn(|_: Request<Body>| async {
            let request = RequestSpan::current();
            assert_eq!((request.is_recording(), request.span_id()), (false, None));
            assert_ne!(request.trace_id(), Some(TraceId::INVALID));
            request.set_name("x");
            request.set_attribute("x", 1);
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    {
        let _active = connection.clone().attach();
        runtime
            .block_on(service.oneshot(Request::new(Body::empty())))
            .unwrap();
    }
    connection.span().end();
    let span = recorder.trace().spans()[0].clone();
    assert_eq!(span.name(), "connection");
    assert_eq!(span.attribute("x"), None);
    assert_eq!(span.status(), &opentelemetry::trace::Status::Unset);
}
