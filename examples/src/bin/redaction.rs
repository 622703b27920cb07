//! Run with `cargo run -p otel-examples --bin redaction`, then open http://127.0.0.1:8093/tickets?ticket=47-11&token=abc&page=2.
//!
//! Secrets are redacted in spans and log lines. Usual query keys, field names and arguments need no code; the list of secrets takes
//! other names. Headers are recorded only if named, and headers that hold secrets are not recorded even then.
//! Variables: `LISTEN` (127.0.0.1:8093), and those of `otel_setup`.

use axum::Router;
use axum::routing::get;
use otel_examples::serve;
use otel_tower::{Secrets, ServerLayer};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let telemetry = otel_setup::builder().service_name("redaction");
    // One list for URLs, headers, log fields and attributes.
    let secrets = Secrets::default().also(["ticket", "holder"]);
    let _telemetry = telemetry.secrets(secrets).init()?;
    let layer = ServerLayer::new().capture_request_headers(["x-tenant", "authorization"]);
    let app = Router::new().route("/tickets", get(tickets)).layer(layer);
    serve("redaction", app, 8093).await
}

async fn tickets() -> &'static str {
    // The field has the name of a secret, so its value is not written to the line.
    tracing::info!(api_token = "hunter2", page = 2, "tickets listed");
    look_up("hunter2", "hunter2", 2)
}

// Each argument becomes an attribute of the span. Attributes are redacted by the same names at export.
#[tracing::instrument]
fn look_up(api_token: &str, holder: &str, page: i64) -> &'static str {
    "47-11\n"
}
