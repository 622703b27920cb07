//! A program with a subscriber of its own, which has the span layer of otel-setup. One test: the subscriber is the process's.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::collections::{BTreeMap, HashMap};
use std::io;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use opentelemetry::global;
use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use otel_messaging::Messaging;
use tokio::net::TcpListener;
use tracing::Level;
use tracing_subscriber::prelude::*;

const REQUESTS: usize = 12;

#[tracing::instrument]
async fn load(id: &str) -> String {
    tracing::debug_span!("cache").in_scope(|| tracing::debug!("missed"));
    tracing::error!("retried");
    format!("order {id}")
}

async fn order(Path(id): Path<String>) -> String {
    load(&id).await
}

/// Sends the requests one after another, then one message.
async fn work() {
    let app = Router::new()
        .route("/orders/{id}", get(order))
        .layer(otel_tower::ServerLayer::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/orders/7", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let client = otel_reqwest::wrap(reqwest::Client::new());
    for _ in 0..REQUESTS {
        let answer = client.get(&url).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "order 7");
    }
    server.abort();

    let queue = Messaging::new("rabbitmq");
    let mut headers: HashMap<String, String> = HashMap::new();
    let send = queue.send("orders").start();
    send.inject(&mut headers);
    drop(send);
    drop(queue.process("orders").from(&headers).start());
}

fn assert_scope(span: &SpanData, name: &str) {
    let scope = &span.instrumentation_scope;
    assert_eq!(scope.name(), name, "{span:?}");
    assert_eq!(scope.version(), Some(env!("CARGO_PKG_VERSION")));
    let schema = "https://opentelemetry.io/schemas/1.45.0";
    assert_eq!(scope.schema_url(), Some(schema));
}

#[test]
fn twelve_requests_are_thirty_six_spans_with_debug_lines_enabled() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    global::set_tracer_provider(provider.clone());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::DEBUG)
        .with_writer(io::sink)
        .finish()
        .with(otel_setup::span_layer(&provider));
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(work());
    // Waits for the connection's task, which ends the last SERVER span.
    drop(runtime);

    let spans = exporter.get_finished_spans().unwrap();
    let mut counts = BTreeMap::new();
    for span in &spans {
        *counts.entry(&*span.name).or_insert(0) += 1;
        match (&span.span_kind, &*span.name) {
            (SpanKind::Server, _) => assert_scope(span, "otel_tower"),
            (SpanKind::Client, _) => assert_scope(span, "otel_reqwest"),
            (SpanKind::Producer | SpanKind::Consumer, _) => assert_scope(span, "otel_messaging"),
            (SpanKind::Internal, "load") => {
                assert_eq!(span.instrumentation_scope.name(), "otel_tracing");
            }
            (SpanKind::Internal, _) => panic!("{span:?}"),
        }
    }
    let expected = [
        ("GET", REQUESTS),
        ("GET /orders/{id}", REQUESTS),
        ("load", REQUESTS),
        ("process orders", 1),
        ("send orders", 1),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}
