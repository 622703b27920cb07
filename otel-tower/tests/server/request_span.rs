//! What the application says of its request's span, from any depth.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get as on_get;
use futures_util::stream;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags, TraceState};
use otel_tower::{RequestSpan, RouteLayer, ServerLayer};
use tower::Layer as _;

use crate::client::get;
use crate::harness::{Mode, Server, in_every_mode};

/// Says it below a `tracing` span and an OpenTelemetry context that know nothing of the request.
fn deep(say: impl FnOnce(&RequestSpan)) {
    let other = SpanContext::new(
        1_u128.into(),
        1_u64.into(),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let span = tracing::info_span!("between");
    span.in_scope(|| {
        let context = Context::new().with_remote_span_context(other);
        let _active = context.attach();
        say(&RequestSpan::current());
    });
}

async fn user(span: RequestSpan) -> &'static str {
    span.set_attribute("user.id", "ada");
    deep(|span| span.set_attribute("user.roles", "admin"));
    // It may be taken along.
    let elsewhere = std::thread::spawn(move || {
        assert!(!RequestSpan::current().is_recording());
        span.set_attribute("user.checked", true);
    });
    elsewhere.join().unwrap();
    tokio::task::yield_now().await;
    deep(|span| span.set_attribute("user.late", true));
    "Ada"
}

async fn renamed(span: RequestSpan) -> &'static str {
    span.set_name("GET home");
    "home"
}

async fn overdrawn() -> &'static str {
    deep(|span| span.set_error("overdrawn"));
    "no"
}

async fn streamed() -> Body {
    let frames = stream::once(async {
        deep(|span| span.set_attribute("rows", 3));
        Ok::<_, std::io::Error>(Bytes::from("row"))
    });
    Body::from_stream(frames)
}

fn app(layer: ServerLayer) -> Router {
    Router::new()
        .route("/users/{id}", on_get(user))
        .route("/home", on_get(renamed))
        .route("/buy", on_get(overdrawn))
        .route("/rows", on_get(streamed))
        .layer(layer)
}

in_every_mode! { TRACED:
    fn attributes_go_to_the_server_span_from_any_depth(mode: Mode) {
        let server = Server::start(mode, app);
        get(server.address, "/users/42");
        // Where `between` is recorded, it is a trace of its own making, and not what was meant.
        server.recorder.wait_for(|it| it.spans().iter().any(|span| span.name() == "GET /users/{id}"), crate::meters::LIMIT).unwrap();
        let spans = server.recorder.spans();
        let said = |key: &str| {
            let with = spans.iter().filter(|span| span.attribute(key).is_some());
            with.map(otel_testkit::Span::name).collect::<Vec<_>>()
        };
        for key in ["user.id", "user.roles", "user.checked", "user.late"] {
            assert_eq!(said(key), ["GET /users/{id}"], "{key}");
        }
    }

    fn a_stream_says_it_as_well(mode: Mode) {
        let server = Server::start(mode, app);
        get(server.address, "/rows");
        server.recorder.wait_for(|it| it.spans().iter().any(|span| span.name() == "GET /rows"), crate::meters::LIMIT).unwrap();
        let spans = server.recorder.spans();
        let span = spans.iter().find(|span| span.name() == "GET /rows").unwrap();
        assert_eq!(span.attribute("rows"), Some(&3.into()));
    }

    fn a_name_counts_before_that_of_the_route(mode: Mode) {
        let outside = |layer: ServerLayer| {
            let inner = Router::new().route("/home", on_get(renamed)).layer(RouteLayer::new());
            Router::new().fallback_service(layer.layer(inner))
        };
        for app in [app, outside] {
            let server = Server::start(mode, app);
            get(server.address, "/home");
            let span = server.span();
            assert_eq!(span.name(), "GET home");
            assert_eq!(span.attribute("http.route"), Some(&"/home".into()));
        }
    }
}

in_every_mode! { MEASURED:
    fn an_error_is_the_request_s(mode: Mode) {
        let server = Server::start(mode, |layer| {
            Router::new()
                .route("/buy", on_get(|| async {
                    RequestSpan::current().set_error("overdrawn");
                    "no"
                }))
                .layer(layer)
        });
        get(server.address, "/buy");
        server.assert_ended(Some(200), Some("overdrawn"));
    }

    fn a_hook_has_the_last_word_on_an_error(mode: Mode) {
        let server = Server::start(mode, |layer| {
            app(layer.on_response(|_, _, span| span.clear_error()))
        });
        get(server.address, "/buy");
        server.meters.wait_for("http.server.request.duration", 1);
        let spans = server.recorder.spans();
        assert!(spans.iter().all(|span| span.attribute("error.type").is_none()));
    }
}

#[test]
fn outside_a_request_nothing_happens() {
    let span = RequestSpan::current();
    assert!(!span.is_recording());
    span.set_attribute("user.id", "ada");
    span.set_name("nobody");
    span.set_error("nothing");
}
