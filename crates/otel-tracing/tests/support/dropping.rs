//! A sampler that decides by an attribute.

use opentelemetry::trace::{Link, SpanKind};
use opentelemetry::{Context, KeyValue, TraceId};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

/// Drops spans that have the attribute with this key when they start.
#[derive(Clone, Debug)]
pub(crate) struct DroppingSampler(pub(crate) &'static str);

impl ShouldSample for DroppingSampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let is_dropped = attributes.iter().any(|it| it.key.as_str() == self.0);
        let sampler = if is_dropped {
            Sampler::AlwaysOff
        } else {
            Sampler::AlwaysOn
        };
        sampler.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}
