//! Two layers on one request.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, Response};
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_tower::{ClientLayer, ServerLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

use crate::captured::Lines;
use crate::harness::{ask, assert_warned_once, fmt_layer, in_own_process};

fn start() -> (Lines, SdkTracerProvider) {
    let lines = Lines::default();
    registry().with(fmt_layer(&lines)).init();
    (lines, SdkTracerProvider::default())
}

#[test]
fn a_second_server_layer_is_reported_once() {
    let name = "layers::a_second_server_layer_is_reported_once";
    in_own_process(name, || {
        let (lines, provider) = start();
        let layer = ServerLayer::new().tracer_provider(&provider);
        let app = Router::new().route("/", get(|| async { "well" }));
        let app = app.layer(layer.clone()).layer(layer);
        ask(app, &[&["GET /"], &["GET /"]]);
        let texts = [
            "two server layers",
            "docs/troubleshooting.md#two-layers-on-one-request",
        ];
        assert_warned_once(&lines, &texts);
    });
}

#[test]
fn a_second_client_layer_is_reported_once() {
    let name = "layers::a_second_client_layer_is_reported_once";
    in_own_process(name, || {
        let (lines, provider) = start();
        let layer = ClientLayer::new().tracer_provider(&provider);
        let answer =
            service_fn(|_| async { Ok::<_, std::io::Error>(Response::new(Body::empty())) });
        let client = layer.layer(layer.layer(answer));
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.build().unwrap();
        for _ in 0..2 {
            let request = Request::get("http://shop/").body(Body::empty()).unwrap();
            runtime.block_on(client.clone().oneshot(request)).unwrap();
        }
        let texts = [
            "ClientLayer",
            "docs/troubleshooting.md#two-layers-on-one-request",
        ];
        assert_warned_once(&lines, &texts);
    });
}
