//! Which sampler decides.

use std::any::Any;

use opentelemetry::trace::{Link, SpanKind};
use opentelemetry::{Context, KeyValue, TraceId};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

use crate::variables::{Environment, SamplerName, table};

/// A sampler of any type, and what the set-up must know about it.
#[derive(Debug, Clone)]
pub(crate) struct ChosenSampler {
    sampler: Box<dyn ShouldSample>,
    /// True if the sampler drops every span whose local parent is not sampled.
    pub(crate) is_parent_based: bool,
    /// What the start line shows.
    pub(crate) name: String,
}

impl ChosenSampler {
    /// Wraps a sampler of the program.
    pub(crate) fn new(sampler: impl ShouldSample + 'static) -> Self {
        let known = (&sampler as &dyn Any).downcast_ref::<Sampler>();
        Self {
            is_parent_based: known.is_some_and(is_parent_based),
            name: format!("{sampler:?}"),
            sampler: Box::new(sampler),
        }
    }

    /// Returns the sampler of `OTEL_TRACES_SAMPLER`, then the program's, then one that follows the caller and records roots.
    pub(crate) fn choose(environment: &Environment, code: Option<Self>) -> Self {
        // A ratio that cannot be used is reported also if another sampler is set.
        let ratio = environment.get(&table::SAMPLER_ARGUMENT, None).0;
        let otherwise =
            code.unwrap_or_else(|| Self::from_name(SamplerName::ParentBasedAlwaysOn, 1.0));
        match environment.find(&table::SAMPLER, &otherwise.name) {
            Some(name) => Self::from_name(name, ratio),
            None => otherwise,
        }
    }

    fn from_name(name: SamplerName, ratio: f64) -> Self {
        let sampler = match name {
            SamplerName::AlwaysOn => Sampler::AlwaysOn,
            SamplerName::AlwaysOff => Sampler::AlwaysOff,
            SamplerName::Ratio => Sampler::TraceIdRatioBased(ratio),
            SamplerName::ParentBasedAlwaysOn => parent_based(Sampler::AlwaysOn),
            SamplerName::ParentBasedAlwaysOff => parent_based(Sampler::AlwaysOff),
            SamplerName::ParentBasedRatio => parent_based(Sampler::TraceIdRatioBased(ratio)),
        };
        let mut chosen = Self::new(sampler);
        chosen.name = name.name().to_owned();
        if matches!(name, SamplerName::Ratio | SamplerName::ParentBasedRatio) {
            chosen.name = format!("{} {ratio:?}", chosen.name);
        }
        chosen
    }
}

impl ShouldSample for ChosenSampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        self.sampler
            .should_sample(parent, trace, name, kind, attributes, links)
    }
}

fn parent_based(root: Sampler) -> Sampler {
    Sampler::ParentBased(Box::new(root))
}

fn is_parent_based(sampler: &Sampler) -> bool {
    matches!(sampler, Sampler::ParentBased(_) | Sampler::AlwaysOff)
}
