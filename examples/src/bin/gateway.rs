//! Run with `cargo run -p otel-examples --bin gateway`, together with `--bin pricing`.
//!
//! `GET /checkout/{cart}` returns the price of a cart. It calls the pricing service, up to three times while that is unavailable.
//! Variables: `LISTEN` (127.0.0.1:8080), `PRICING_URL` (http://127.0.0.1:8081), and those of `otel_setup`.

use std::env;
use std::time::Duration;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use otel_core::error;
use otel_examples::{serve, with_span_layer};
use otel_reqwest::ClientMiddleware;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use reqwest_retry::policies::ExponentialBackoff;
use reqwest_retry::{
    RetryTransientMiddleware, Retryable, RetryableStrategy, default_on_request_failure,
};
use serde::{Deserialize, Serialize};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let telemetry = otel_setup::builder().service_name("gateway");
    let _telemetry = with_span_layer(telemetry).init()?;
    let gateway = Gateway {
        client: client(),
        pricing: env::var("PRICING_URL").unwrap_or_else(|_| "http://127.0.0.1:8081".to_owned()),
    };
    let app = Router::new()
        .route("/checkout/{cart}", get(checkout))
        .with_state(gateway)
        .layer(otel_tower::ServerLayer::new());
    serve("gateway", app, 8080).await
}

/// The tracing middleware comes last, so that each attempt is a span.
fn client() -> ClientWithMiddleware {
    let policy = ExponentialBackoff::builder()
        .retry_bounds(Duration::from_millis(5), Duration::from_millis(100))
        .build_with_max_retries(2);
    let retries = RetryTransientMiddleware::new_with_policy_and_strategy(policy, WhileUnavailable);
    ClientBuilder::new(reqwest::Client::new())
        .with(retries)
        .with(ClientMiddleware::new())
        .build()
}

/// Retries failed connections and 503. Any other response would be the same again.
struct WhileUnavailable;

impl RetryableStrategy for WhileUnavailable {
    fn handle(&self, result: &reqwest_middleware::Result<reqwest::Response>) -> Option<Retryable> {
        match result {
            Ok(response) => (response.status() == StatusCode::SERVICE_UNAVAILABLE)
                .then_some(Retryable::Transient),
            Err(error) => default_on_request_failure(error),
        }
    }
}

#[derive(Clone)]
struct Gateway {
    client: ClientWithMiddleware,
    pricing: String,
}

#[derive(Serialize)]
struct Receipt {
    cart: String,
    cents: i64,
}

/// The query, such as `fail=1` or `flaky=1`, is passed to pricing.
async fn checkout(
    State(gateway): State<Gateway>,
    Path(cart): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Receipt>, StatusCode> {
    tracing::info!(cart, "checkout started");
    let sku = sku_in(&cart).ok_or(StatusCode::NOT_FOUND)?;
    let quote = price_cart(&gateway, sku, query.as_deref())
        .await
        .map_err(|_| StatusCode::BAD_GATEWAY)?;
    let cents = quote.cents;
    Ok(Json(Receipt { cart, cents }))
}

#[derive(Deserialize)]
struct Quote {
    cents: i64,
}

/// A business span: the call to pricing and its log line are inside it.
#[tracing::instrument(name = "price cart", skip(gateway, query))]
async fn price_cart(
    gateway: &Gateway,
    sku: &str,
    query: Option<&str>,
) -> Result<Quote, PricingError> {
    let asked = ask_pricing(gateway, sku, query).await;
    match &asked {
        Ok(quote) => tracing::info!(cents = quote.cents, "cart priced"),
        Err(error) => {
            // For a result, `record_err` does the same.
            error::record(error);
            tracing::error!(sku, %error, "cart not priced");
        }
    }
    asked
}

async fn ask_pricing(
    gateway: &Gateway,
    sku: &str,
    query: Option<&str>,
) -> Result<Quote, PricingError> {
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    let url = format!("{}/quote/{sku}{query}", gateway.pricing);
    // The text of reqwest's error contains the URL, which may contain secrets.
    let sent = gateway.client.get(url).send().await;
    let response = sent.map_err(|_| PricingError::Unreachable)?;
    let status = response.status();
    if !status.is_success() {
        return Err(PricingError::Refused(status.as_u16()));
    }
    response.json().await.map_err(|_| PricingError::Unreadable)
}

#[derive(Debug, thiserror::Error)]
enum PricingError {
    #[error("pricing cannot be reached")]
    Unreachable,
    #[error("pricing answered {0}")]
    Refused(u16),
    #[error("pricing's answer cannot be read")]
    Unreadable,
}

/// The carts of the shop, each with one article.
fn sku_in(cart: &str) -> Option<&'static str> {
    match cart {
        "breakfast" => Some("espresso"),
        "lunch" => Some("ciabatta"),
        "ghost" => Some("unobtainium"),
        _ => None,
    }
}
