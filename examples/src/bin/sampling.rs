//! Run with `cargo run -p otel-examples --bin sampling`, then open http://127.0.0.1:8095/browse and /buy.
//!
//! Health checks have no span. Every purchase is recorded, and one in a hundred of the other requests, unless the caller has decided.
//! To decide by duration or error, use tail sampling in the collector.
//! Variables: `LISTEN` (127.0.0.1:8095), and those of `otel_setup`.

use axum::Router;
use axum::routing::get;
use opentelemetry::trace::{Link, SpanKind};
use opentelemetry::{Context, KeyValue, TraceId};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};
use otel_examples::serve;
use otel_tower::{ServerLayer, predicate};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let purchases = Purchases(Sampler::TraceIdRatioBased(0.01));
    let _telemetry = otel_setup::builder()
        .service_name("sampling")
        .sampler(Sampler::ParentBased(Box::new(purchases)))
        .init()?;
    let layer = ServerLayer::new()
        .skip(predicate::path("/healthy"))
        .without_tracing_span() // so that the sampler receives the attributes
        .attributes_for_sampler();
    let app = Router::new()
        .route("/healthy", get(|| async { "yes\n" }))
        .route("/browse", get(|| async { "tea\n" }))
        .route("/buy", get(|| async { "sold\n" }))
        .layer(layer);
    serve("sampling", app, 8095).await
}

/// Records every purchase. The inner sampler decides about other requests.
#[derive(Debug, Clone)]
struct Purchases(Sampler);

impl ShouldSample for Purchases {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let is_path = |it: &&KeyValue| it.key.as_str() == "url.path";
        let path = attributes.iter().find(is_path);
        let is_purchase = path.is_some_and(|path| path.value.as_str() == "/buy");
        let sampler = if is_purchase {
            &Sampler::AlwaysOn
        } else {
            &self.0
        };
        sampler.should_sample(parent, trace, name, kind, attributes, links)
    }
}
