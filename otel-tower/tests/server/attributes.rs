//! Name, kind and attributes.

use axum::Router;
use axum::routing::get as on_get;
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{KeyValue, Value};
use otel_testkit::Span;

use crate::client::{get, request};
use crate::harness::{Mode, Server, in_every_mode};

fn users(layer: otel_tower::ServerLayer) -> Router {
    Router::new()
        .route("/users/{id}", on_get(|| async { "Ada" }))
        .route(
            "/missing",
            on_get(|| async { axum::http::StatusCode::NOT_FOUND }),
        )
        .layer(layer)
}

fn sorted(span: &Span) -> Vec<KeyValue> {
    let mut attributes = span.attributes().to_vec();
    attributes.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
    attributes
}

in_every_mode! { TRACED:
    fn a_request_has_the_attributes_of_the_conventions_with_their_types(mode: Mode) {
        let server = Server::start(mode, users);
        let headers = ["user-agent: test/1"];
        request(server.address, "GET /users/42?lang=en&token=secret", &headers);
        let span = server.span();
        assert_eq!(span.name(), "GET /users/{id}");
        assert_eq!(span.kind(), &SpanKind::Server);
        assert_eq!(span.status(), &Status::Unset);
        let peer = span.attribute("network.peer.port").unwrap().clone();
        assert!(matches!(peer, Value::I64(1..)), "{peer:?}");
        assert_eq!(
            sorted(&span),
            [
                KeyValue::new("client.address", "127.0.0.1"),
                KeyValue::new("http.request.method", "GET"),
                KeyValue::new("http.response.status_code", 200),
                KeyValue::new("http.route", "/users/{id}"),
                KeyValue::new("network.peer.address", "127.0.0.1"),
                KeyValue::new("network.peer.port", peer),
                KeyValue::new("network.protocol.version", "1.1"),
                KeyValue::new("server.address", "shop.example"),
                KeyValue::new("server.port", 8080),
                KeyValue::new("url.path", "/users/42"),
                KeyValue::new("url.query", "lang=en&token=REDACTED"),
                KeyValue::new("url.scheme", "http"),
                KeyValue::new("user_agent.original", "test/1"),
            ]
        );
    }

    fn a_method_no_one_knows_is_other(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let any = axum::routing::any(|| async { "tea" });
            Router::new().route("/pot", any).layer(layer)
        });
        request(server.address, "BREW /pot", &[]);
        let span = server.span();
        assert_eq!(span.name(), "HTTP /pot");
        assert_eq!(span.attribute("http.request.method"), Some(&Value::from("_OTHER")));
        assert_eq!(span.attribute("http.request.method_original"), Some(&Value::from("BREW")));
    }

    fn what_no_route_matched_has_none_and_is_named_by_its_method(mode: Mode) {
        let server = Server::start(mode, users);
        get(server.address, "/nowhere/42");
        let span = server.span();
        assert_eq!(span.name(), "GET");
        assert_eq!(span.attribute("http.route"), None);
        assert_eq!(span.attribute("url.path"), Some(&Value::from("/nowhere/42")));
        assert_eq!(span.attribute("http.response.status_code"), Some(&Value::I64(404)));
        assert_eq!(span.status(), &Status::Unset);
    }

    fn a_4xx_is_no_error_of_the_server(mode: Mode) {
        let server = Server::start(mode, users);
        get(server.address, "/missing");
        let span = server.span();
        assert_eq!(span.attribute("http.response.status_code"), Some(&Value::I64(404)));
        assert_eq!(span.attribute("error.type"), None);
        assert_eq!(span.status(), &Status::Unset);
    }

    fn the_route_of_a_nested_router_has_its_prefix(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let inner = Router::new().route("/users/{id}", on_get(|| async { "Ada" }));
            Router::new().nest("/api", inner).layer(layer)
        });
        get(server.address, "/api/users/42");
        assert_eq!(server.span().name(), "GET /api/users/{id}");
    }
}
