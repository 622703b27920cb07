//! The layer among others, in any order.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::http::{Request, StatusCode};
use axum::routing::get as on_get;
use axum::{BoxError, Router};
use opentelemetry::Value;
use otel_tower::{RouteLayer, ServerLayer};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _};
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use crate::client::{get, request};
use crate::harness::{Mode, Server, in_every_mode};

const SOON: Duration = Duration::from_millis(20);

fn hang() -> axum::routing::MethodRouter {
    on_get(std::future::pending::<()>)
}

/// A router around a service that has been layered already.
fn outside<S>(service: S) -> Router
where
    S: tower::Service<Request<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Response: axum::response::IntoResponse,
    S::Future: Send + 'static,
{
    Router::new().fallback_service(service)
}

in_every_mode! { MEASURED:
    fn a_timeout_inside_is_a_response(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let timeout = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, SOON);
            Router::new().route("/", hang()).layer(timeout).layer(layer)
        });
        assert!(get(server.address, "/").contains("504"));
        if let Some(span) = server.assert_ended(Some(504), Some("504")) {
            // The timer may have started a little before the span.
            assert!(span.duration() >= SOON / 2, "{span:?}");
        }
    }

    fn a_timeout_outside_cancels_the_request(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let timeout = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, SOON);
            Router::new().route("/", hang()).layer(layer).layer(timeout)
        });
        assert!(get(server.address, "/").contains("504"));
        if let Some(span) = server.assert_ended(None, Some("cancelled")) {
            // The timer may have started a little before the span.
            assert!(span.duration() >= SOON / 2, "{span:?}");
        }
    }

    fn a_timeout_of_tower_inside_is_a_service_error(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let handled = HandleErrorLayer::new(|_: BoxError| async { StatusCode::REQUEST_TIMEOUT });
            let stack = ServiceBuilder::new().layer(handled).layer(layer).timeout(SOON);
            Router::new().route("/", hang()).layer(stack)
        });
        assert!(get(server.address, "/").contains("408"));
        server.assert_ended(None, Some("service_error"));
    }

    fn in_a_stack_with_others_outside_and_inside(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let stack = ServiceBuilder::new()
                .layer(TraceLayer::new_for_http())
                .layer(CompressionLayer::new())
                .layer(layer)
                .layer(TraceLayer::new_for_http())
                .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, 1000 * SOON));
            Router::new().route("/users/{id}", on_get(|| async { "Ada ".repeat(100) })).layer(stack)
        });
        let answer = request(server.address, "GET /users/42", &["accept-encoding: gzip"]);
        assert!(answer.contains("content-encoding: gzip"), "{answer}");
        let points = server.meters.wait_for("http.server.request.duration", 1);
        assert_eq!(points[0].attributes["http.route"], Value::from("/users/{id}"));
    }

    fn with_compression_inside(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let stack = ServiceBuilder::new().layer(layer).layer(CompressionLayer::new());
            Router::new().route("/", on_get(|| async { "Ada ".repeat(100) })).layer(stack)
        });
        let answer = request(server.address, "GET /", &["accept-encoding: gzip"]);
        assert!(answer.contains("content-encoding: gzip"), "{answer}");
        server.assert_ended(Some(200), None);
    }

    fn outside_the_router_the_route_comes_from_within(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let inner = Router::new()
                .route("/users/{id}", on_get(|| async { "Ada" }))
                .layer(RouteLayer::new());
            outside(layer.layer(Router::new().nest("/api", inner)))
        });
        get(server.address, "/api/users/42");
        if let Some(span) = server.assert_ended(Some(200), None) {
            assert_eq!(span.name(), "GET /api/users/{id}");
            assert_eq!(span.attribute("http.route"), Some(&Value::from("/api/users/{id}")));
        }
        let points = server.meters.wait_for("http.server.request.duration", 1);
        assert_eq!(points[0].attributes["http.route"], Value::from("/api/users/{id}"));
    }

    fn a_hooks_name_counts_before_that_of_a_late_route(mode: Mode) {
        let hooks: [fn(ServerLayer) -> ServerLayer; 2] = [
            |layer| layer.on_request(|_, span| span.set_name("renamed")),
            |layer| layer.on_response(|_, _, span| span.set_name("renamed")),
        ];
        for hook in hooks {
            let server = Server::start(mode, move |layer| {
                let inner = Router::new()
                    .route("/users/{id}", on_get(|| async { "Ada" }))
                    .layer(RouteLayer::new());
                outside(hook(layer).layer(inner))
            });
            get(server.address, "/users/42");
            if let Some(span) = server.assert_ended(Some(200), None) {
                assert_eq!(span.name(), "renamed");
                assert_eq!(span.attribute("http.route"), Some(&Value::from("/users/{id}")));
            }
        }
    }

    fn outside_the_router_a_request_without_a_route_has_none(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let router = Router::new()
                .route("/users/{id}", on_get(|| async { "Ada" }))
                .fallback(|| async { StatusCode::NOT_FOUND })
                .layer(RouteLayer::new());
            outside(layer.layer(router))
        });
        get(server.address, "/nowhere/42");
        if let Some(span) = server.assert_ended(Some(404), None) {
            assert_eq!(span.name(), "GET");
            assert_eq!(span.attribute("http.route"), None);
        }
    }

    fn a_nested_service_adds_its_route_to_the_prefix(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let inner = Router::new()
                .route("/users/{id}", on_get(|| async { "Ada" }))
                .layer(RouteLayer::new());
            Router::new().nest_service("/api", inner).layer(layer)
        });
        get(server.address, "/api/users/42");
        if let Some(span) = server.assert_ended(Some(200), None) {
            assert_eq!(span.name(), "GET /api/users/{id}");
        }
    }

    fn inside_a_nested_service_the_route_has_its_prefix(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let inner = Router::new().route("/users/{id}", on_get(|| async { "Ada" })).layer(layer);
            Router::new().nest_service("/api", inner)
        });
        get(server.address, "/api/users/42");
        if let Some(span) = server.assert_ended(Some(200), None) {
            assert_eq!(span.name(), "GET /api/users/{id}");
            assert_eq!(span.attribute("http.route"), Some(&Value::from("/api/users/{id}")));
        }
    }
}

/// axum calls `Layer::layer` for each request of a router that was not finished with `with_state`.
#[test]
fn a_layer_made_anew_for_each_request_counts_the_same() {
    let recorder = otel_testkit::Recorder::new();
    let layer = ServerLayer::new().tracer_provider(&recorder.tracer_provider());
    let router: Router = Router::new()
        .route("/", on_get(|| async { "hello" }))
        .layer(layer);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for _ in 0..3 {
        let request = Request::get("/").body(Body::empty()).unwrap();
        let response = runtime.block_on(router.clone().oneshot(request)).unwrap();
        drop(
            runtime
                .block_on(axum::body::to_bytes(response.into_body(), 100))
                .unwrap(),
        );
    }
    assert_eq!(recorder.spans().len(), 3);
}
