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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_environment;

    fn choose(name: Option<&str>, argument: Option<&str>) -> ChosenSampler {
        let variables = [
            ("OTEL_TRACES_SAMPLER", name),
            ("OTEL_TRACES_SAMPLER_ARG", argument),
        ];
        test_environment::with_vars(variables, || {
            ChosenSampler::choose(&Environment::default(), None)
        })
    }

    #[test]
    fn the_variable_names_the_sampler() {
        let table = [
            (None, None, "ParentBased(AlwaysOn)", true),
            (Some(""), None, "ParentBased(AlwaysOn)", true),
            (None, Some("0.5"), "ParentBased(AlwaysOn)", true),
            (Some("always_on"), None, "AlwaysOn", false),
            (Some("ALWAYS_OFF"), None, "AlwaysOff", true),
            (Some("traceidratio"), None, "TraceIdRatioBased(1.0)", false),
            (
                Some("traceidratio"),
                Some("0.25"),
                "TraceIdRatioBased(0.25)",
                false,
            ),
            (
                Some("parentbased_always_on"),
                None,
                "ParentBased(AlwaysOn)",
                true,
            ),
            (
                Some("parentbased_always_off"),
                None,
                "ParentBased(AlwaysOff)",
                true,
            ),
            (
                Some("parentbased_traceidratio"),
                Some("0"),
                "ParentBased(TraceIdRatioBased(0.0))",
                true,
            ),
        ];
        for (name, argument, expected, is_parent_based) in table {
            let chosen = choose(name, argument);
            assert_eq!(format!("{:?}", chosen.sampler), expected, "{name:?}");
            assert_eq!(chosen.is_parent_based, is_parent_based, "{name:?}");
        }
        let shown = choose(Some("parentbased_traceidratio"), Some("0.1")).name;
        assert_eq!(shown, "parentbased_traceidratio 0.1");
    }

    #[test]
    fn the_sampler_of_the_program_is_a_default() {
        let program = || Some(ChosenSampler::new(Sampler::AlwaysOff));
        for (variable, expected) in [(None, "AlwaysOff"), (Some("always_on"), "AlwaysOn")] {
            let chosen = test_environment::with_vars([("OTEL_TRACES_SAMPLER", variable)], || {
                ChosenSampler::choose(&Environment::default(), program())
            });
            assert_eq!(format!("{:?}", chosen.sampler), expected);
        }
    }
}
