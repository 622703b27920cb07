//! Paths that hold secrets.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get as on_get;
use otel_testkit::Span;
use otel_tower::{PathRedaction, RouteLayer, ServerLayer};

use crate::client::{get, request};
use crate::harness::{Mode, Server, assert_marks, in_every_mode};

fn app(layer: ServerLayer) -> Router {
    routes().layer(layer)
}

fn routes() -> Router {
    Router::new()
        .route("/reset/{token}", on_get(|| async {}))
        .route("/files/{*path}", on_get(|| async {}))
        .route("/teapot", on_get(|| async { StatusCode::IM_A_TEAPOT }))
}

fn path(span: &Span) -> String {
    assert_marks(
        span,
        span.attribute("http.response.status_code")
            .map(|it| match it {
                opentelemetry::Value::I64(code) => *code,
                other => panic!("{other:?}"),
            }),
        None,
    );
    span.attribute("url.path").unwrap().to_string()
}

in_every_mode! { TRACED:
    fn the_placeholders_of_a_template_are_redacted(mode: Mode) {
        let table = [
            ("/reset/hunter2", "/reset/REDACTED"),
            ("/reset/hunter2/", "/reset/REDACTED/"),
            ("//reset//hunter2", "//reset//REDACTED"),
            ("/Reset/hunter2", "/Reset/REDACTED"),
            ("/%72eset/hunter%32", "/%72eset/REDACTED"),
            ("/files/hunter2/hunter2", "/files/REDACTED"),
            ("/teapot", "/teapot"),
        ];
        for (sent, expected) in table {
            let server = Server::start(mode, |layer| {
                let templates = ["/reset/{token}", "/files/{*path}"];
                app(layer.redact_paths(PathRedaction::from_templates(templates)))
            });
            get(server.address, &format!("{sent}?lang=en"));
            let span = server.span();
            assert_eq!(path(&span), expected);
            assert_eq!(span.attribute("url.query").unwrap().as_str(), "lang=en");
            assert!(!format!("{span:?}").contains("hunter"), "{span:?}");
        }
    }

    fn a_template_has_the_prefix_of_a_nested_router(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let redaction = PathRedaction::from_templates(["/api/reset/{token}"]);
            Router::new().nest("/api", app(layer.redact_paths(redaction)))
        });
        get(server.address, "/api/reset/hunter2");
        assert_eq!(path(&server.span()), "/api/reset/REDACTED");
    }

    fn a_function_decides_what_is_recorded_of_a_path(mode: Mode) {
        let table = [
            ("/reset/hunter2", "/reset/…"),
            ("/teapot", "/teapot"),
            ("/panic", "/REDACTED"),
        ];
        for (sent, expected) in table {
            let server = Server::start(mode, |layer| {
                app(layer.redact_paths(PathRedaction::from_function(|path| {
                    assert_ne!(path, "/panic");
                    path.starts_with("/reset/").then(|| "/reset/…".to_owned())
                })))
            });
            assert!(get(server.address, sent).starts_with("HTTP/1.1 "));
            assert_eq!(path(&server.span()), expected);
        }
    }

    fn several_redactions_apply_in_order(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let function = |path: &str| Some(path.replace("hunter3", "…"));
            app(layer
                .redact_paths(PathRedaction::from_templates(["/{a}/b"]))
                .redact_paths(PathRedaction::from_templates(["/a/{b}"]))
                .redact_paths(PathRedaction::from_function(function)))
        });
        get(server.address, "/a/b/hunter3");
        assert_eq!(path(&server.span()), "/REDACTED/b/…");
    }

    fn the_route_is_recorded_in_place_of_the_path(mode: Mode) {
        let table = [
            ("/reset/hunter2", "/reset/{token}"),
            ("/teapot", "/teapot"),
            ("/hunter2", "/REDACTED"),
        ];
        for (sent, expected) in table {
            // The route is known at the start, known later, or never known.
            let around: [fn(ServerLayer) -> Router; 2] =
                [app, |layer| Router::new().fallback_service(routes().layer(RouteLayer::new())).layer(layer)];
            for app in around {
                let server = Server::start(mode, move |layer| {
                    app(layer.redact_paths(PathRedaction::with_route()))
                });
                get(server.address, sent);
                let span = server.span();
                assert_eq!(path(&span), expected);
                assert!(!format!("{span:?}").contains("hunter"), "{span:?}");
            }
        }
    }

    fn urls_in_captured_headers_have_their_paths_redacted(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer.capture_request_headers(["referer", "x-original-uri"]);
            app(layer.redact_paths(PathRedaction::from_templates(["/reset/{token}"])))
        });
        let headers = ["referer: https://shop.example/reset/hunter2?a=b", "x-original-uri: /reset/hunter2"];
        request(server.address, "GET /teapot", &headers);
        let span = server.span();
        assert!(!format!("{span:?}").contains("hunter"), "{span:?}");
        let referer = span.attribute("http.request.header.referer").unwrap().to_string();
        assert!(referer.contains("https://shop.example/reset/REDACTED?a=b"), "{referer}");
    }

    fn a_path_that_claims_to_be_grpc_is_redacted_and_cut(mode: Mode) {
        for (sent, expected) in [("/reset/hunter2", "reset/REDACTED".to_owned()), ("/a/b", "a/b".to_owned()),
            (&format!("/a/{}", "p".repeat(30_000)), format!("a/{}", "p".repeat(1_022)))] {
            let server = Server::start(mode, |layer| {
                app(layer.grpc().redact_paths(PathRedaction::from_templates(["/reset/{token}"])))
            });
            let headers = ["content-type: application/grpc", "te: trailers"];
            request(server.address, &format!("POST {sent}"), &headers);
            let span = server.span();
            assert!(!format!("{span:?}").contains("hunter"), "{span:?}");
            if let Some(original) = span.attribute("rpc.method_original") {
                assert_eq!(original.as_str(), expected);
            }
        }
    }
}
