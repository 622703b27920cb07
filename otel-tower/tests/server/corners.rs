//! Hooks, handlers and services that do what nobody expects of them.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::panic::panic_any;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::routing::get as on_get;
use opentelemetry::Value;
use opentelemetry::trace::{Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_core::error::RecordError as _;
use otel_testkit::Recorder;
use otel_tower::{ClientLayer, End, RequestSpan, RouteLayer, ServerLayer};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};

use crate::client::get;
use crate::harness::{Mode, Server, in_every_mode};
use crate::meters::LIMIT;

const NAME: &str = "core::num::error::ParseIntError";

/// A payload of a panic that panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("on purpose, once more");
    }
}

/// A value whose conversion uses the request.
struct Curious;

impl From<Curious> for Value {
    fn from(_: Curious) -> Self {
        RequestSpan::current().set_attribute("shop.inner", true);
        RequestSpan::current().set_error("curious");
        "curious".into()
    }
}

/// An error that cannot be shown, and reads the request when it is tried.
#[derive(Debug)]
struct Shy;

impl fmt::Display for Shy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        RequestSpan::current().set_attribute("shop.shown", true);
        let _active = opentelemetry::Context::new().attach();
        f.write_str("part")?;
        Err(fmt::Error)
    }
}

impl Error for Shy {}

fn spin(time: Duration) {
    let started = Instant::now();
    while started.elapsed() < time {
        std::hint::spin_loop();
    }
}

in_every_mode! { MEASURED:
    fn a_service_that_panics_when_it_is_called_is_an_error_of_its_request(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let panics = service_fn(|_: Request<Body>| -> std::future::Ready<Result<Response<Body>, Infallible>> {
                panic!("on purpose")
            });
            let layer = layer.on_end(|_, outcome, span| {
                assert_eq!(outcome.end(), End::Panicked);
                span.set_attribute("shop.late", true);
            });
            let service = ServiceBuilder::new().layer(layer).service(panics);
            Router::new().route_service("/", service)
        });
        get(server.address, "/");
        if let Some(span) = server.assert_ended(None, Some("panic")) {
            assert_eq!(span.attribute("shop.late"), Some(&Value::Bool(true)));
        }
    }

    fn hooks_that_panic_everywhere_change_nothing(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer
                .on_request(|_, span| { span.set_error("x"); panic_any(Bomb) })
                .on_response(|_, _, span| { span.set_error("x"); panic_any(Bomb) })
                .end_at_by(|_, _| panic_any(Bomb))
                .on_end(|_, _, span| { span.set_error("x"); panic_any(Bomb) })
                .on_end(|_, outcome, span| {
                    assert_eq!(outcome.end(), End::Complete);
                    span.set_attribute("shop.late", true);
                });
            Router::new().route("/", on_get(|| async { "hello" })).layer(layer)
        });
        let answer = get(server.address, "/");
        assert!(answer.ends_with("hello"), "{answer}");
        if let Some(span) = server.assert_ended(Some(200), None) {
            assert_eq!(span.attribute("shop.late"), Some(&Value::Bool(true)));
        }
    }

    fn an_end_hook_that_panics_while_the_handler_panics_does_not_end_the_process(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer.on_end(|_, _, _| panic!("on purpose"));
            let handler = || async { if true { panic!("on purpose") } };
            Router::new().route("/", on_get(handler)).layer(layer)
        });
        get(server.address, "/");
        server.assert_ended(None, Some("panic"));
    }

    fn a_value_that_uses_the_request_while_it_is_converted_does_not_block(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let handler = |request: RequestSpan| async move {
                request.set_attribute("shop.outer", Curious);
                request.add_metric_attribute("tenant", Curious);
                "hello"
            };
            Router::new().route("/", on_get(handler)).layer(layer)
        });
        get(server.address, "/");
        server.assert_ended(Some(200), Some("curious"));
    }

    fn an_error_that_cannot_be_shown_is_recorded(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let handler = || async {
                let _ = Err::<(), _>(Shy).record_err();
                "hello"
            };
            Router::new().route("/", on_get(handler)).layer(layer)
        });
        let answer = get(server.address, "/");
        assert!(answer.ends_with("hello"), "{answer}");
        let points = server.meters.wait_for("http.server.request.duration", 1);
        assert_eq!(points[0].attributes["error.type"], Value::from("server::corners::Shy"));
        if mode != Mode::WithoutSdk {
            assert_eq!(server.span().status(), &Status::error("part"));
        }
    }

    fn span_metric_and_outcome_have_the_same_duration(mode: Mode) {
        const SLOW: Duration = Duration::from_millis(150);
        let seen = Arc::new(Mutex::new(None));
        let sink = Arc::clone(&seen);
        let server = Server::start(mode, move |layer| {
            let layer = layer
                .on_request(|_, _| spin(SLOW))
                .on_end(move |_, outcome, _| {
                    *sink.lock().unwrap() = Some(outcome.duration());
                    spin(SLOW);
                });
            Router::new().route("/", on_get(|| async { "hello" })).layer(layer)
        });
        get(server.address, "/");
        let points = server.meters.wait_for("http.server.request.duration", 1);
        let outcome = seen.lock().unwrap().unwrap();
        assert!((points[0].sum - outcome.as_secs_f64()).abs() < 1e-9, "{outcome:?} {points:?}");
        assert!(outcome >= SLOW, "{outcome:?}");
        if mode != Mode::WithoutSdk {
            let span = server.span().duration();
            let difference = span.abs_diff(outcome);
            assert!(difference < SLOW / 2, "{mode:?}: {span:?} {outcome:?}");
        }
    }

    fn an_end_hook_may_do_all_that_a_handler_may(mode: Mode) {
        let server = Server::start_expecting_loss(mode, |layer| {
            let layer = layer.on_end(|_, _, span| {
                let client = ClientLayer::new().layer(service_fn(|_: Request<Body>| async {
                    Ok::<_, Infallible>(Response::new(Body::empty()))
                }));
                let call = client.oneshot(Request::get("http://a.example/").body(Body::empty()).unwrap());
                assert!(futures_util::FutureExt::now_or_never(call).is_some());
                let inner = ServerLayer::new().on_end(|_, _, span| span.set_error("inner"));
                let inner = inner.layer(service_fn(|_: Request<Body>| async {
                    RequestSpan::current().set_attribute("shop.inner", true);
                    Ok::<_, Infallible>(Response::new(Body::from("x")))
                }));
                let call = inner.oneshot(Request::new(Body::empty()));
                drop(futures_util::FutureExt::now_or_never(call));
                RequestSpan::current().set_attribute("shop.current", true);
                RequestSpan::current().add_metric_attribute("tenant", "blue");
                let _ = "free".parse::<u64>().record_err();
                span.set_attribute("shop.hook", true);
                span.set_name("renamed");
            });
            Router::new().route("/", on_get(|| async { "hello" })).layer(layer)
        });
        get(server.address, "/");
        let points = server.meters.wait_for("http.server.request.duration", 1);
        assert_eq!(points[0].attributes["tenant"], Value::from("blue"));
        assert_eq!(points[0].attributes["error.type"], Value::from(NAME));
        if mode == Mode::WithoutSdk {
            continue;
        }
        let spans = server.recorder.spans();
        let span = spans.iter().find(|it| it.name() == "renamed").unwrap();
        assert_eq!(span.attribute("shop.current"), Some(&Value::Bool(true)));
        assert_eq!(span.attribute("shop.hook"), Some(&Value::Bool(true)));
        assert_eq!(span.attribute("shop.inner"), None);
        assert_eq!(span.status(), &Status::error("invalid digit found in string"));
        let errors = span.attributes().iter().filter(|it| it.key.as_str() == "error.type");
        assert_eq!(errors.count(), 1);
    }

    fn the_name_of_a_hook_is_kept_when_the_route_is_known_late(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer
                .on_request(|_, span| span.set_name("from the hook"))
                .on_response(|_, _, span| span.set_attribute("http.route", "/mine"));
            let router: Router = Router::new()
                .route("/users/{id}", on_get(|| async { "hello" }))
                .layer(RouteLayer::new());
            Router::new().fallback_service(ServiceBuilder::new().layer(layer).service(router))
        });
        get(server.address, "/users/1");
        if let Some(span) = server.assert_ended(Some(200), None) {
            assert_eq!(span.name(), "from the hook");
            assert_eq!(span.attribute("http.route"), Some(&Value::from("/mine")));
        }
        let points = server.meters.points("http.server.request.duration");
        assert_eq!(points[0].attributes["http.route"], Value::from("/users/{id}"));
    }

    fn a_request_that_is_dropped_in_the_handler_of_another_leaves_that_one_alone(mode: Mode) {
        let ends = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&ends);
        let server = Server::start_expecting_loss(mode, move |layer| {
            let inner = ServerLayer::new().on_end(move |_, outcome, span| {
                sink.lock().unwrap().push(outcome.end());
                span.set_error("inner");
                RequestSpan::current().set_error("inner");
            });
            let inner = inner.layer(service_fn(|request: Request<Body>| async move {
                RequestSpan::current().set_error("inner");
                if request.uri().path() == "/hang" {
                    std::future::pending::<()>().await;
                }
                Ok::<_, Infallible>(Response::new(Body::from("x")))
            }));
            let handler = move || async move {
                let mut hangs = Box::pin(inner.clone().oneshot(Request::get("/hang").body(Body::empty()).unwrap()));
                assert!(futures_util::FutureExt::now_or_never(&mut hangs).is_none());
                let response = inner.oneshot(Request::get("/body").body(Body::empty()).unwrap()).await;
                RequestSpan::current().set_attribute("shop.outer", true);
                drop(response);
                drop(hangs);
                RequestSpan::current().set_attribute("shop.late", true);
                "hello"
            };
            Router::new().route("/", on_get(handler)).layer(layer)
        });
        get(server.address, "/");
        server.meters.wait_for("http.server.request.duration", 1);
        assert_eq!(*ends.lock().unwrap(), [End::Cancelled, End::Cancelled]);
        if mode != Mode::WithoutSdk {
            let spans = server.recorder.spans();
            let span = spans.iter().find(|it| it.name() == "GET /").unwrap();
            crate::harness::assert_marks(span, Some(200), None);
            assert_eq!(span.attribute("shop.outer"), Some(&Value::Bool(true)));
            assert_eq!(span.attribute("shop.late"), Some(&Value::Bool(true)));
        }
    }

    fn a_request_span_on_another_thread_writes_to_its_request(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let handler = |request: RequestSpan| async move {
                let thread = std::thread::spawn(move || {
                    assert_eq!(RequestSpan::current().trace_id(), None);
                    request.set_attribute("shop.thread", true);
                    request.set_error("on_a_thread");
                    request
                });
                let request = thread.join().unwrap();
                let left = Arc::new(Mutex::new(Some(request)));
                let _ = left;
                "hello"
            };
            Router::new().route("/", on_get(handler)).layer(layer)
        });
        get(server.address, "/");
        if let Some(span) = server.assert_ended(Some(200), Some("on_a_thread")) {
            assert_eq!(span.attribute("shop.thread"), Some(&Value::Bool(true)));
        }
    }
}

#[test]
fn a_request_after_the_shutdown_of_its_provider_has_no_span_id() {
    let provider = SdkTracerProvider::builder().build();
    provider.shutdown().unwrap();
    let service = ServerLayer::new()
        .tracer_provider(&provider)
        .on_request(|_, _| {
            assert_eq!(RequestSpan::current().span_id(), None);
            assert_eq!(RequestSpan::current().trace_id(), None);
        })
        .layer(service_fn(|_: Request<Body>| async {
            let request = RequestSpan::current();
            assert_eq!(request.span_id(), None);
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let call = service.oneshot(Request::new(Body::empty()));
    futures_util::FutureExt::now_or_never(call)
        .unwrap()
        .unwrap();
}

#[test]
fn a_thousand_attributes_of_a_handler_cost_little_and_lose_none_of_the_layer() {
    let recorder = Recorder::new();
    let service = ServerLayer::new()
        .tracer_provider(&recorder.tracer_provider())
        .on_request(|_, span| {
            for number in 0..10_000 {
                span.set_attribute(format!("shop.hook.{number}"), number);
            }
        })
        .layer(service_fn(|_: Request<Body>| async {
            for number in 0..10_000 {
                RequestSpan::current().set_attribute(format!("shop.{number}"), number);
            }
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            Ok::<_, Infallible>(response)
        }));
    let started = Instant::now();
    let call = service.oneshot(Request::new(Body::empty()));
    drop(
        futures_util::FutureExt::now_or_never(call)
            .unwrap()
            .unwrap(),
    );
    let elapsed = started.elapsed();
    let span = recorder.trace().spans()[0].clone();
    assert_eq!(
        span.attribute("http.response.status_code"),
        Some(&Value::I64(500))
    );
    assert_eq!(span.attribute("error.type"), Some(&Value::from("500")));
    eprintln!("{elapsed:?} for 20,000 attributes");
    assert!(elapsed < LIMIT / 10, "{elapsed:?}");
}

#[test]
fn a_noop_provider_gives_no_ids_of_its_own() {
    let provider = opentelemetry::trace::noop::NoopTracerProvider::new();
    let recorder = Recorder::new();
    let tracer = recorder.tracer_provider().tracer("test");
    let outer = opentelemetry::Context::new().with_span(tracer.start("connection"));
    let _active = outer.attach();
    let service = ServerLayer::new()
        .tracer_provider(&provider)
        .layer(service_fn(|_: Request<Body>| async {
            assert_eq!(RequestSpan::current().span_id(), None);
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let call = service.oneshot(Request::new(Body::empty()));
    drop(
        futures_util::FutureExt::now_or_never(call)
            .unwrap()
            .unwrap(),
    );
}
