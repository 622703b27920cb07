//! Run with `cargo run -p otel-examples --bin public_edge`, then `curl -i http://127.0.0.1:8091/`.
//!
//! A service that untrusted clients call. Each request starts a new trace that links to the client's, and the client's baggage is
//! dropped. Requests to `/internal/`, which the proxy in front allows only for our own services, continue the caller's trace.
//! Forwarding headers are trusted only from the proxy. A response header names the trace, for a support form.
//! Variables: `LISTEN` (127.0.0.1:8091), and those of `otel_setup`.

use axum::Router;
use axum::routing::get;
use otel_examples::serve;
use otel_tower::TrustedProxies;
use otel_tower::trust::{Trust, TrustPolicy};
use otel_tower::{ServerLayer, TraceHeader};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _telemetry = otel_setup::init("public-edge")?;
    // The proxy in front must reject untrusted clients on this path. Otherwise they could choose to be trusted.
    let trust = TrustPolicy::by(|request| match request.uri().path() {
        path if path.starts_with("/internal/") => Trust::Continue,
        _ => Trust::Link,
    });
    let proxies: TrustedProxies = "127.0.0.0/8".parse()?;
    let layer = ServerLayer::new()
        .trust(trust)
        .trusted_proxies(proxies)
        .response_header(TraceHeader::TraceId);
    let app = Router::new()
        .route("/", get(|| async { "welcome\n" }))
        .route("/internal/stock", get(|| async { "7\n" }))
        .layer(layer);
    serve("public_edge", app, 8091).await
}
