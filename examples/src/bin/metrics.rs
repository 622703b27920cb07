//! Run with `cargo run -p otel-examples --bin metrics --features console`, then open http://127.0.0.1:8094/buy/free, and stop it.
//!
//! Durations of requests, which need no code; active requests and sizes of bodies, which are options; an attribute that the handler
//! adds to them; and a counter of the application. With `OTEL_METRICS_EXPORTER=console` they are printed at the end.
//! Variables: `LISTEN` (127.0.0.1:8094), and those of `otel_setup`.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use opentelemetry::metrics::Counter;
use opentelemetry::{KeyValue, global};
use otel_examples::serve;
use otel_tower::{RequestSpan, ServerLayer};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _telemetry = otel_setup::init("metrics")?;
    let sold = global::meter("shop").u64_counter("shop.sold").build();
    let layer = ServerLayer::new().active_requests().body_sizes();
    let app = Router::new()
        .route("/buy/{plan}", get(buy))
        .with_state(sold)
        .layer(layer);
    serve("metrics", app, 8094).await
}

async fn buy(
    State(sold): State<Counter<u64>>,
    request: RequestSpan,
    Path(plan): Path<String>,
) -> &'static str {
    // Use few values: each is a time series.
    let plan = if plan == "free" { "free" } else { "paid" };
    request.add_metric_attribute("shop.plan", plan);
    sold.add(1, &[KeyValue::new("shop.plan", plan)]);
    "sold\n"
}
