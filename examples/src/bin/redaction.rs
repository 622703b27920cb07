//! Run with `cargo run -p otel-examples --bin redaction`, then open http://127.0.0.1:8093/tickets?ticket=47-11&token=abc&page=2.
//!
//! What holds a secret stays out of spans and log lines: known query keys, field names and arguments without a word, one's own
//! by name.
//! Headers are recorded only if named, and those that hold secrets not even then.
//! Variables: `LISTEN` (127.0.0.1:8093), and those of `otel_setup`.

use axum::Router;
use axum::routing::get;
use otel_examples::serve;
use otel_tower::Redaction;
use otel_tower::ServerLayer;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let telemetry = otel_setup::builder().service_name("redaction");
    let _telemetry = telemetry.secret_fields(["holder"]).init()?;
    let layer = ServerLayer::new()
        .redact(Redaction::default().also(["ticket"]))
        .capture_request_headers(["x-tenant", "authorization"]);
    let app = Router::new().route("/tickets", get(tickets)).layer(layer);
    serve("redaction", app, 8093).await
}

async fn tickets() -> &'static str {
    // The field's name says that it is a secret; the value never reaches the line.
    tracing::info!(api_token = "hunter2", page = 2, "tickets listed");
    look_up("hunter2", "hunter2", 2)
}

// Each argument becomes an attribute of the span, which is redacted in the same way when it is exported.
#[tracing::instrument]
fn look_up(api_token: &str, holder: &str, page: i64) -> &'static str {
    "47-11\n"
}
