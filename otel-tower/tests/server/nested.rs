//! The layer on a nested router, and on what is nested or merged inside its router.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::get as on_get;
use opentelemetry::Value;
use otel_testkit::Span;
use otel_tower::trust::{Trust, TrustPolicy};
use otel_tower::{RouteLayer, ServerLayer, predicate};
use tower::{Layer as _, service_fn};

use crate::client::{get, http2_grpc_request, request};
use crate::harness::{Mode, Server, in_every_mode};

const TRACEPARENT: &str = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Answers with the URI that the handler sees.
fn users() -> Router {
    Router::new().route(
        "/{id}",
        on_get(|uri: Uri| async move { format!("<{uri}>") }),
    )
}

fn text<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    span.attribute(key).map(|value| match value {
        Value::String(text) => text.as_str(),
        _ => panic!("{value:?} is not a text"),
    })
}

#[track_caller]
fn assert_named(server: &Server, name: &str, path: &str, route: Option<&str>) {
    let span = server.span();
    assert_eq!(span.name(), name);
    assert_eq!(text(&span, "url.path"), Some(path));
    assert_eq!(text(&span, "http.route"), route);
}

/// Files that are served by a service without routes.
fn files()
-> impl tower::Service<Request, Response = Response, Error = Infallible, Future = impl Send>
+ Clone
+ Send
+ Sync
+ 'static {
    service_fn(|request: Request| async move {
        let mut response = Response::new(Body::from("file"));
        if request.uri().path() == "/missing" {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        Ok(response)
    })
}

in_every_mode! { TRACED:
    fn a_layer_on_a_nested_router_records_the_whole_path(mode: Mode) {
        let server = Server::start(mode, |layer| {
            Router::new().nest("/api/users", users().layer(layer))
        });
        let answer = get(server.address, "/api/users/7?lang=en");
        // The handler sees what axum has left.
        assert!(answer.contains("</7?lang=en>"), "{answer}");
        assert_named(&server, "GET /api/users/{id}", "/api/users/7", Some("/api/users/{id}"));
        assert_eq!(text(&server.span(), "url.query"), Some("lang=en"));
    }

    fn a_layer_on_a_router_that_is_nested_twice_records_the_whole_path(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let api = Router::new().nest("/users", users().layer(layer));
            Router::new().nest("/api", api)
        });
        get(server.address, "/api/users/7");
        assert_named(&server, "GET /api/users/{id}", "/api/users/7", Some("/api/users/{id}"));
    }

    fn a_layer_inside_a_nested_service_records_the_whole_path(mode: Mode) {
        let server = Server::start(mode, |layer| {
            Router::new().nest_service("/api/users", users().layer(layer))
        });
        get(server.address, "/api/users/7");
        assert_named(&server, "GET /api/users/{id}", "/api/users/7", Some("/api/users/{id}"));
    }

    fn a_layer_on_a_merged_router_records_the_whole_path(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let other = Router::new().route("/", on_get(|| async { "home" }));
            let merged = Router::new().nest("/users", users()).layer(layer);
            Router::new().nest("/api", other.merge(merged))
        });
        get(server.address, "/api/users/7");
        assert_named(&server, "GET /api/users/{id}", "/api/users/7", Some("/api/users/{id}"));
    }

    fn a_layer_on_a_nested_fallback_records_the_whole_path(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let api = users().fallback(|| async { StatusCode::NOT_FOUND });
            Router::new().nest("/api/users", api.layer(layer))
        });
        get(server.address, "/api/users/7/nowhere");
        assert_named(&server, "GET", "/api/users/7/nowhere", None);
    }

    fn predicates_trust_and_hooks_of_a_nested_layer_see_the_whole_path(mode: Mode) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let [first, second, third] = [(); 3].map(|()| Arc::clone(&seen));
        let server = Server::start(mode, move |layer| {
            let trust = TrustPolicy::by(|request| match request.uri().path() {
                "/api/users/7" => Trust::Ignore,
                _ => Trust::Continue,
            });
            let layer = layer
                .skip(predicate::path("/api/users/health"))
                .trust(trust)
                .on_request(move |request, _| first.lock().unwrap().push(request.uri().to_string()))
                .on_response(move |request, _, _| second.lock().unwrap().push(request.uri().to_string()))
                .end_at_by(move |request, _| {
                    third.lock().unwrap().push(request.uri().to_string());
                    otel_tower::EndAt::Body
                });
            Router::new().nest("/api/users", users().layer(layer))
        });
        get(server.address, "/api/users/health");
        request(server.address, "GET /api/users/7", &[TRACEPARENT]);
        assert_eq!(server.span().parent_span_id(), None);
        assert_eq!(*seen.lock().unwrap(), ["/api/users/7"; 3]);
    }

    fn a_route_layer_inside_a_nested_service_reports_where_it_is_nested(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let assets = RouteLayer::new().layer(files());
            let inner = Router::new().nest_service("/assets", assets).layer(RouteLayer::new());
            Router::new().nest("/app", inner).layer(layer)
        });
        get(server.address, "/app/assets/a.css");
        assert_named(&server, "GET /app/assets", "/app/assets/a.css", Some("/app/assets"));
        let points = server.meters.wait_for("http.server.request.duration", 1);
        assert_eq!(points[0].attributes["http.route"], Value::from("/app/assets"));
    }

    fn a_nested_service_without_a_route_layer_has_no_route(mode: Mode) {
        let server = Server::start(mode, |layer| {
            Router::new().nest_service("/assets", files()).layer(layer)
        });
        get(server.address, "/assets/a.css");
        assert_named(&server, "GET", "/assets/a.css", None);
    }

    fn a_path_that_a_nested_service_does_not_know_has_no_route(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let assets = RouteLayer::new().layer(files());
            Router::new().nest_service("/assets", assets).layer(layer)
        });
        get(server.address, "/assets/missing");
        assert_named(&server, "GET", "/assets/missing", None);
    }

    fn the_route_of_a_nested_router_wins_over_where_it_is_nested(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let inner = RouteLayer::new().layer(users().layer(RouteLayer::new()));
            Router::new().nest_service("/api/users", inner).layer(layer)
        });
        get(server.address, "/api/users/7");
        assert_named(&server, "GET /api/users/{id}", "/api/users/7", Some("/api/users/{id}"));
    }

    // A gRPC method has no prefix, and the path that axum has left is the method's.
    fn a_grpc_method_in_a_nested_router_has_no_prefix(mode: Mode) {
        let server = Server::start(mode, |layer: ServerLayer| {
            let layer = layer.grpc_methods(["shop.Orders/Place"]);
            let answer = || async { [("content-type", "application/grpc"), ("grpc-status", "0")] };
            let methods = Router::new().route("/shop.Orders/Place", axum::routing::post(answer));
            Router::new().nest("/grpc", methods.layer(layer))
        });
        http2_grpc_request(server.address, "POST", "/grpc/shop.Orders/Place");
        let span = server.span();
        assert_eq!(span.name(), "shop.Orders/Place");
        assert_eq!(text(&span, "rpc.method"), Some("shop.Orders/Place"));
    }
}
