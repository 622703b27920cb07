//! Run with `cargo run -p otel-examples --bin b3_migration`, then `curl http://127.0.0.1:8092/ -H 'b3: …'`.
//!
//! A service during a migration from B3 to W3C Trace Context. It reads both formats and sends both, so its callers and the services
//! behind it can migrate at any time. The response shows the headers that a service behind it receives. See `docs/propagation.md`.
//! Variables: `LISTEN` (127.0.0.1:8092), and those of `otel_setup`. `OTEL_PROPAGATORS=tracecontext,baggage,b3` does the same without
//! code.

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header::HOST};
use axum::routing::get;
use otel_core::propagation::CompositePropagator;
use otel_examples::serve;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // If a request has both, `traceparent` wins.
    let both: CompositePropagator = "tracecontext,baggage,b3".parse()?;
    let _telemetry = otel_setup::builder()
        .service_name("b3-migration")
        .propagator(both)
        .init()?;
    let app = Router::new()
        .route("/", get(ask_behind))
        .route("/behind", get(behind))
        .layer(otel_tower::ServerLayer::new());
    serve("b3_migration", app, 8092).await
}

async fn ask_behind(headers: HeaderMap) -> Result<String, StatusCode> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let url = format!("http://{}/behind", host.unwrap_or("127.0.0.1:8092"));
    let client = otel_reqwest::wrap(reqwest::Client::new());
    let failed = |_| StatusCode::BAD_GATEWAY;
    let response = client.get(url).send().await.map_err(failed)?;
    response.text().await.map_err(|_| StatusCode::BAD_GATEWAY)
}

async fn behind(headers: HeaderMap) -> String {
    let line = |name| {
        let value = headers.get(name)?.to_str().ok()?;
        Some(format!("{name}: {value}\n"))
    };
    ["traceparent", "b3"].into_iter().filter_map(line).collect()
}
