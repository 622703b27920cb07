//! Run with `OTEL_SERVICE_NAME=relay cargo run -p otel-examples --bin relay`, once for each service of the chain.
//!
//! `GET /relay/{hops}` calls the next service with one hop fewer, until the number is zero. The response lists what each service
//! received from its caller. `cargo xtask interop` builds chains of this program and services in other languages.
//! Variables: `LISTEN` (127.0.0.1:8080), `NEXT_URL`, and those of `otel_setup`.

use std::collections::BTreeMap;
use std::env;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt as _};
use opentelemetry::context::FutureExt as _;
use otel_examples::{serve, with_span_layer};
use reqwest_middleware::ClientWithMiddleware;
use serde::Serialize;
use serde_json::Value;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _telemetry = with_span_layer(otel_setup::builder().service_name("relay")).init()?;
    let relay = Relay {
        name: env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| "relay".to_owned()),
        next: env::var("NEXT_URL").unwrap_or_default(),
        client: otel_reqwest::wrap(reqwest::Client::new()),
    };
    let name = relay.name.clone();
    let app = Router::new()
        .route("/relay/{hops}", get(relay_on))
        .with_state(relay)
        .layer(otel_tower::ServerLayer::new());
    serve(&name, app, 8080).await
}

#[derive(Clone)]
struct Relay {
    name: String,
    next: String,
    client: ClientWithMiddleware,
}

#[derive(Serialize)]
struct Answer {
    service: String,
    /// The headers of the request that carry context.
    headers: Vec<String>,
    /// The entries that the caller has sent.
    baggage: BTreeMap<String, String>,
    next: Option<Value>,
}

async fn relay_on(
    State(relay): State<Relay>,
    Path(hops): Path<u32>,
    headers: HeaderMap,
) -> Result<Json<Answer>, StatusCode> {
    tracing::info!(hops, "relayed");
    let next = match hops.checked_sub(1) {
        Some(left) => Some(relay.ask(left).await.map_err(|_| StatusCode::BAD_GATEWAY)?),
        None => None,
    };
    Ok(Json(Answer {
        service: relay.name,
        headers: headers
            .keys()
            .map(ToString::to_string)
            .filter(|name| carries_context(name))
            .collect(),
        baggage: Context::map_current(entries),
        next,
    }))
}

impl Relay {
    /// Adds an entry to the caller's entries, which are sent on unchanged.
    async fn ask(&self, hops: u32) -> reqwest_middleware::Result<Value> {
        let context = Context::current();
        let callers = context.baggage().iter();
        let mut baggage: Baggage = callers
            .map(|(key, entry)| (key.clone(), entry.clone()))
            .collect();
        baggage.insert("via", format!("über {}", self.name));
        let request = self.client.get(format!("{}/relay/{hops}", self.next));
        let response = request
            .send()
            .with_context(context.with_baggage(baggage))
            .await?;
        Ok(response.error_for_status()?.json().await?)
    }
}

fn entries(context: &Context) -> BTreeMap<String, String> {
    let entries = context.baggage().iter();
    entries
        .map(|(key, (value, _))| (key.to_string(), value.to_string()))
        .collect()
}

fn carries_context(header: &str) -> bool {
    matches!(header, "traceparent" | "tracestate" | "b3" | "baggage") || header.starts_with("x-b3-")
}
