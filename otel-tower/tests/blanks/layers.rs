//! Two layers on one request, and other requests inside a request, from the first request of a process on.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use opentelemetry::trace::{SpanId, SpanKind};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use otel_core::propagation::CompositePropagator;
use otel_tower::{ClientLayer, ServerLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

use crate::captured::Lines;
use crate::harness::{ask, assert_warned_once, fmt_layer, in_own_process, warnings};

struct Traced {
    lines: Lines,
    exporter: InMemorySpanExporter,
    server: ServerLayer,
    client: ClientLayer,
}

impl Traced {
    fn start() -> Self {
        let (lines, exporter) = (Lines::default(), InMemorySpanExporter::default());
        registry().with(fmt_layer(&lines)).init();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        Self {
            lines,
            exporter,
            server: ServerLayer::new()
                .tracer_provider(&provider)
                .propagator(CompositePropagator::default()),
            client: ClientLayer::new()
                .tracer_provider(&provider)
                .propagator(CompositePropagator::default()),
        }
    }

    /// The spans with their kinds, in the order of their ends.
    fn spans(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().unwrap()
    }

    #[track_caller]
    fn assert_roots(&self, kind: &SpanKind, count: usize) {
        let spans = self.spans();
        assert_eq!(spans.len(), count, "{spans:#?}");
        for span in spans {
            assert_eq!(
                (&span.span_kind, span.parent_span_id),
                (kind, SpanId::INVALID)
            );
        }
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.build().unwrap().block_on(future)
}

#[test]
fn a_second_server_layer_is_reported_once() {
    let name = "layers::a_second_server_layer_is_reported_once";
    in_own_process(name, || {
        let traced = Traced::start();
        let layer = &traced.server;
        let app = Router::new().route("/", get(|| async { "well" }));
        let app = app.layer(layer.clone()).layer(layer.clone());
        ask(app, &[&["GET /"], &["GET /"], &["GET /"]]);
        traced.assert_roots(&SpanKind::Server, 3);
        let texts = ["two server layers", "docs/troubleshooting.md#two_layers"];
        assert_warned_once(&traced.lines, &texts);
    });
}

#[test]
fn a_layer_on_a_nested_router_and_one_around_all_routers_make_one_span() {
    let name = "layers::a_layer_on_a_nested_router_and_one_around_all_routers_make_one_span";
    in_own_process(name, || {
        let traced = Traced::start();
        let api = Router::new()
            .route("/users/{id}", get(|| async { "Ada" }))
            .layer(traced.server.clone());
        // A layer between them adds a header.
        let app = Router::new()
            .nest("/api", api)
            .layer(axum::middleware::map_request(
                async |mut request: Request| {
                    let id = axum::http::HeaderValue::from_static("7");
                    request.headers_mut().insert("x-request-id", id);
                    request
                },
            ));
        let app = Router::new().fallback_service(traced.server.layer(app));
        ask(app, &[&["GET /api/users/7"], &["GET /api/users/8"]]);
        traced.assert_roots(&SpanKind::Server, 2);
    });
}

#[test]
fn a_request_without_headers_is_recognized() {
    let name = "layers::a_request_without_headers_is_recognized";
    in_own_process(name, || {
        let traced = Traced::start();
        let app: Router = Router::new().route("/", get(|| async { "well" }));
        let app = app
            .layer(traced.server.clone())
            .layer(traced.server.clone());
        for _ in 0..2 {
            let request = Request::get("/").body(Body::empty()).unwrap();
            block_on(app.clone().oneshot(request)).unwrap();
        }
        traced.assert_roots(&SpanKind::Server, 2);
    });
}

/// The same path, without headers, or with those of the request that is answered.
#[test]
fn a_request_that_a_handler_makes_has_its_own_span_from_the_first_on() {
    let name = "layers::a_request_that_a_handler_makes_has_its_own_span_from_the_first_on";
    in_own_process(name, || {
        let traced = Traced::start();
        let other: Router = Router::new()
            .route("/", get(|| async { "other" }))
            .layer(traced.server.clone());
        let call = async move |request: Request| {
            let mut new = Request::new(Body::empty());
            *new.headers_mut() = request.headers().clone();
            drop(request);
            other.oneshot(new).await
        };
        let app: Router = Router::new()
            .route("/", get(call))
            .layer(traced.server.clone());
        for _ in 0..2 {
            let request = Request::get("/").body(Body::empty()).unwrap();
            let response = block_on(app.clone().oneshot(request)).unwrap();
            drop(block_on(axum::body::to_bytes(response.into_body(), 100)).unwrap());
        }
        ask(app, &[&["GET /", "x-tenant: blue"]]);
        let spans = traced.spans();
        assert_eq!(spans.len(), 6, "{spans:#?}");
        for pair in spans.chunks(2) {
            assert_eq!(pair[0].parent_span_id, pair[1].span_context.span_id());
        }
        assert_eq!(warnings(&traced.lines, ""), [""; 0]);
    });
}

#[test]
fn a_second_client_layer_is_reported_once() {
    let name = "layers::a_second_client_layer_is_reported_once";
    in_own_process(name, || {
        let traced = Traced::start();
        let layer = &traced.client;
        let answer =
            service_fn(async |_: Request| Ok::<_, Infallible>(Response::new(Body::empty())));
        let client = layer.layer(layer.layer(answer));
        for _ in 0..3 {
            let request = Request::get("http://shop/").body(Body::empty()).unwrap();
            block_on(client.clone().oneshot(request)).unwrap();
        }
        traced.assert_roots(&SpanKind::Client, 3);
        let texts = ["ClientLayer", "docs/troubleshooting.md#two_layers"];
        assert_warned_once(&traced.lines, &texts);
    });
}

/// As a layer between client and service does that fetches a token first.
#[test]
fn a_request_that_is_sent_inside_an_attempt_has_its_own_span() {
    let name = "layers::a_request_that_is_sent_inside_an_attempt_has_its_own_span";
    in_own_process(name, || {
        let traced = Traced::start();
        let layer = traced.client.clone();
        let answer = async |_: Request| Ok::<_, Infallible>(Response::new(Body::empty()));
        let with_token = service_fn(move |_: Request| {
            let client = layer.layer(service_fn(answer));
            client.oneshot(Request::get("http://tokens/").body(Body::empty()).unwrap())
        });
        let client = traced.client.layer(with_token);
        for _ in 0..2 {
            let request = Request::get("http://shop/").body(Body::empty()).unwrap();
            block_on(client.clone().oneshot(request)).unwrap();
        }
        let spans = traced.spans();
        assert_eq!(spans.len(), 4, "{spans:#?}");
        for pair in spans.chunks(2) {
            assert_eq!(pair[0].parent_span_id, pair[1].span_context.span_id());
        }
        assert_eq!(warnings(&traced.lines, ""), [""; 0]);
    });
}
