//! A router answers, and no route is ever known.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use opentelemetry::global;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_tower::{RouteLayer, ServerLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

use crate::captured::Lines;
use crate::harness::{ask, assert_warned_once, fmt_layer, in_own_process, warnings};

const WARNING: [&str; 4] = [
    "If the service has routes",
    "`otel_tower::RouteLayer`",
    "`ServerLayer::route`",
    "docs/troubleshooting.md#no_route",
];

fn start() -> Lines {
    let lines = Lines::default();
    registry().with(fmt_layer(&lines)).init();
    global::set_tracer_provider(SdkTracerProvider::default());
    lines
}

fn routes() -> Router {
    Router::new()
        .route("/users/{id}", get(|| async { "Ada" }))
        .route("/error", get(|| async { StatusCode::UNAUTHORIZED }))
}

/// A layer that does not know the router, as with a router of another version of axum.
fn outside(router: Router) -> Router {
    Router::new().fallback_service(ServerLayer::new().layer(router))
}

#[test]
fn a_router_whose_routes_the_layer_does_not_know_is_reported_once() {
    let name = "routes::a_router_whose_routes_the_layer_does_not_know_is_reported_once";
    in_own_process(name, || {
        let lines = start();
        // None of these need be the answer of a route.
        let early: &[&[&str]] = &[&["GET /nowhere"], &["POST /users/7"], &["GET /error"]];
        ask(outside(routes()), early);
        assert_eq!(warnings(&lines, ""), [""; 0]);
        ask(outside(routes()), &[&["GET /users/7"], &["GET /users/8"]]);
        assert_warned_once(&lines, &WARNING);
    });
}

#[test]
fn a_nested_service_without_a_route_is_reported_once() {
    let name = "routes::a_nested_service_without_a_route_is_reported_once";
    in_own_process(name, || {
        let lines = start();
        let answer = |_: Request| async { Ok::<_, Infallible>(Response::new(Body::from("file"))) };
        let app = Router::new().nest_service("/assets", service_fn(answer));
        let app = app.layer(ServerLayer::new());
        ask(app, &[&["GET /assets/a.css"], &["GET /assets/b.css"]]);
        assert_warned_once(&lines, &WARNING);
    });
}

#[test]
fn a_layer_that_has_known_a_route_is_not_reported() {
    let name = "routes::a_layer_that_has_known_a_route_is_not_reported";
    in_own_process(name, || {
        let lines = start();
        let app = routes().fallback(|| async { "index.html" });
        let app = app.layer(ServerLayer::new());
        ask(app, &[&["GET /users/7"], &["GET /"]]);
        assert_eq!(warnings(&lines, ""), [""; 0]);
    });
}

#[test]
fn a_fallback_beside_a_route_layer_is_not_reported() {
    let name = "routes::a_fallback_beside_a_route_layer_is_not_reported";
    in_own_process(name, || {
        let lines = start();
        let app = routes().fallback(|| async { "index.html" });
        ask(
            outside(app.layer(RouteLayer::new())),
            &[&["GET /"], &["GET /users/7"]],
        );
        assert_eq!(warnings(&lines, ""), [""; 0]);
    });
}

#[test]
fn grpc_calls_and_preflights_need_no_route() {
    let name = "routes::grpc_calls_and_preflights_need_no_route";
    in_own_process(name, || {
        let lines = start();
        let answer = || async { [("content-type", "application/grpc"), ("grpc-status", "0")] };
        let app = Router::new().fallback(answer);
        let app = Router::new().fallback_service(ServerLayer::new().grpc().layer(app));
        let call = http::Request::post("/shop.Orders/Place")
            .version(http::Version::HTTP_2)
            .header("content-type", "application/grpc");
        let call = call.body(axum::body::Body::empty()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let answered = runtime.block_on(app.clone().oneshot(call));
        assert_eq!(answered.unwrap().headers()["grpc-status"], "0");
        ask(app, &[&["OPTIONS /users/7"]]);
        assert_eq!(warnings(&lines, ""), [""; 0]);
    });
}
