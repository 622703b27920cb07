//! A sampler decides by the attributes of the SERVER span.

use opentelemetry::trace::{Link, SpanKind, TraceState};
use opentelemetry::{Context, KeyValue, TraceId, Value};
use opentelemetry_sdk::trace::{
    Sampler, SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample,
};
use tracing_subscriber::{prelude::*, registry};

use crate::harness::{Spans, client_layer, get_from, run};

/// Drops requests for `/health`.
#[derive(Debug, Clone)]
struct WithoutHealth;

impl ShouldSample for WithoutHealth {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        attributes: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let health = KeyValue::new("url.path", Value::from("/health"));
        let decision = if attributes.contains(&health) {
            SamplingDecision::Drop
        } else {
            SamplingDecision::RecordAndSample
        };
        SamplingResult {
            decision,
            attributes: Vec::new(),
            trace_state: TraceState::default(),
        }
    }
}

#[test]
fn a_sampler_that_drops_by_url_path_drops() {
    let sampler = Sampler::ParentBased(Box::new(WithoutHealth));
    let spans = Spans::with(SdkTracerProvider::builder().with_sampler(sampler));
    for is_parent_based in [false, true] {
        let layer = otel_tracing::layer(&spans.provider);
        let layer = layer.with_parent_based_sampler(is_parent_based);
        let dispatch = registry().with(layer).into();
        // The clients send no context, so the server decides.
        let client = client_layer(&Spans::new());
        run(&dispatch, async |address| {
            for path in ["/health", "/orders/7", "/health"] {
                get_from(&client, address, path).await;
            }
        });
    }
    let mut names: Vec<_> = spans.all().into_iter().map(|span| span.name).collect();
    names.sort();
    assert_eq!(
        names,
        ["GET /orders/{id}", "GET /orders/{id}", "load", "load"]
    );
}
