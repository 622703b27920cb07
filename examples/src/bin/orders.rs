//! Run with `cargo run -p otel-examples --bin orders`, then open http://127.0.0.1:8087/orders/7 and /orders/0.
//!
//! Spans around the steps of a request, attributes that a step adds to the SERVER span, and an error that is recorded completely:
//! event, status and `error.type`.
//! Variables: `LISTEN` (127.0.0.1:8087), and those of `otel_setup`.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use otel_core::error::RecordError as _;
use otel_examples::serve;
use otel_tower::{RequestSpan, ServerLayer};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _telemetry = otel_setup::init("orders")?;
    let app = Router::new()
        .route("/orders/{pieces}", get(order))
        .layer(ServerLayer::new());
    serve("orders", app, 8087).await
}

async fn order(Path(pieces): Path<u32>) -> (StatusCode, String) {
    // This sets the attribute on the SERVER span, at any depth of nested spans.
    RequestSpan::current().set_attribute("user.id", "ada");
    match reserve(pieces) {
        Ok(cents) => (StatusCode::OK, format!("{cents} cents\n")),
        Err(error) => (StatusCode::CONFLICT, format!("{error}\n")),
    }
}

/// A step of the business. The span has its name, and its arguments as attributes.
#[tracing::instrument(name = "reserve stock")]
fn reserve(pieces: u32) -> Result<u32, OutOfStock> {
    let cents = price(pieces).record_err()?;
    tracing::info!(cents, "reserved");
    Ok(cents)
}

fn price(pieces: u32) -> Result<u32, OutOfStock> {
    match pieces {
        0 => Err(OutOfStock),
        pieces => Ok(pieces * 250),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("out of stock")]
struct OutOfStock;
