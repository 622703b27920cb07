//! Run with `cargo run -p otel-examples --bin lossy`. It shows mistakes: do not copy from it.
//!
//! It loses the context of its requests in three ways that `otel_core::context_loss` detects, and its log lines report this: `/spawn`,
//! `/inside`, `/after`. The guide `docs/context-loss.md` shows the fixes.
//! Variables: `LISTEN` (127.0.0.1:8083) and those of `otel_setup`.

use std::cell::RefCell;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header::HOST};
use axum::routing::get;
use opentelemetry::{Context, ContextGuard};
use otel_examples::{serve, with_span_layer};

// One thread, so that a context that one request leaves active affects the next request.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let telemetry = otel_setup::builder().service_name("lossy");
    let _telemetry = with_span_layer(telemetry).init()?;
    otel_core::context_loss::start();
    let app = Router::new()
        .route("/spawn", get(spawn))
        .route("/inside", get(inside))
        .route("/after", get(after))
        .route("/quote", get(|| async { "3" }))
        .layer(otel_tower::ServerLayer::new());
    serve("lossy", app, 8083).await
}

thread_local! {
    /// "The current request", for code that cannot take it as an argument.
    static CURRENT: RefCell<Option<ContextGuard>> = const { RefCell::new(None) };
}

/// The task does not have the context of the request that started it.
async fn spawn(headers: HeaderMap) -> StatusCode {
    tokio::spawn(call(headers)).await.unwrap_or(FAILED)
}

/// The guard stays active on the thread while the task waits, and the thread handles the next request.
async fn inside(headers: HeaderMap) -> StatusCode {
    CURRENT.set(Some(Context::current().attach()));
    let status = call(headers).await;
    CURRENT.set(None);
    status
}

/// The guard is never dropped.
async fn after() -> &'static str {
    CURRENT.set(Some(Context::current().attach()));
    "done"
}

/// Calls this service.
async fn call(headers: HeaderMap) -> StatusCode {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let url = format!("http://{}/quote", host.unwrap_or("127.0.0.1:8083"));
    let client = otel_reqwest::wrap(reqwest::Client::new());
    let response = client.get(url).send().await;
    response.map_or(FAILED, |response| response.status())
}

const FAILED: StatusCode = StatusCode::BAD_GATEWAY;
