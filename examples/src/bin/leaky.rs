//! Run with `cargo run -p otel-examples --bin leaky`. It shows mistakes: do not copy from it.
//!
//! It writes the secrets of its callers into spans and log lines, in ways that occur in real services.
//! `otel-probe audit http://127.0.0.1:8082/` finds them.
//! Variables: `LISTEN` (127.0.0.1:8082), `LEAKS` (the leaks to show; all by default), and those of `otel_setup`.

use std::env;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::routing::get;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};
use otel_examples::serve;
use otel_tower::Secrets;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Redaction is off, because it would hide some of the leaks by their names. The layer keeps the usual list.
    let usual = Secrets::default();
    let telemetry = otel_setup::builder().secrets(Secrets::dangerously_off());
    let _telemetry = telemetry.service_name("leaky").init()?;
    let leaks = env::var("LEAKS").unwrap_or_else(|_| LEAKS.join(","));
    let app = Router::new()
        .route("/", get(answer).post(sign_in))
        .with_state(Leaks(leaks))
        .layer(otel_tower::ServerLayer::new().secrets(usual));
    serve("leaky", app, 8082).await
}

const LEAKS: [&str; 6] = [
    "plain",
    "percent-encoded",
    "base64",
    "lower-cased",
    "cut",
    "body",
];

#[derive(Clone)]
struct Leaks(String);

impl Leaks {
    fn has(&self, name: &str) -> bool {
        self.0.split(',').any(|leak| leak == name)
    }
}

async fn answer(
    State(leaks): State<Leaks>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> &'static str {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let context = Context::current();
    let attribute = |key: &'static str, value: String| {
        context.span().set_attribute(KeyValue::new(key, value));
    };
    if leaks.has("plain") {
        // Many libraries have an option that captures all headers.
        attribute("http.request.header.x-api-key", header("x-api-key"));
    }
    if leaks.has("percent-encoded") {
        // The query as it was received.
        attribute("url.query.raw", query.unwrap_or_default());
    }
    if leaks.has("base64") {
        // Basic credentials are only the password in base64.
        let credentials = header("authorization");
        if credentials.starts_with("Basic ") {
            attribute("enduser.credentials", credentials);
        }
    }
    if leaks.has("lower-cased") {
        // Lower case, "to count users".
        attribute("session.key", header("cookie").to_lowercase());
    }
    if leaks.has("cut") {
        // Only the first characters, "to recognize it".
        let token = header("x-auth-token");
        let start: String = token.chars().take(10).collect();
        tracing::info!("signed in with {start}…");
    }
    "Have a nice day"
}

async fn sign_in(State(leaks): State<Leaks>, body: String) -> &'static str {
    if leaks.has("body") {
        tracing::info!(body, "cannot be read");
    }
    "No"
}
