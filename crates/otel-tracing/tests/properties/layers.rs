//! The two layers, and a provider that drops some traces.

use opentelemetry::trace::{
    Link, SpanContext, SpanId, SpanKind, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler, SamplingResult, SdkTracerProvider, ShouldSample,
};
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::program::{Options, REMOTES, VALUE_LIMIT};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Ours,
    /// Without SDK spans in unsampled traces.
    ParentBased,
    Upstream,
}

/// Does nothing, but sees all spans.
struct OtherLayer;

impl<S: Subscriber> Layer<S> for OtherLayer {}

/// Drops roots that are quiet.
#[derive(Clone, Debug)]
struct LoudRoots;

impl ShouldSample for LoudRoots {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let is_quiet = attributes.iter().any(|it| it.key.as_str() == "quiet");
        let sampler = if is_quiet {
            Sampler::AlwaysOff
        } else {
            Sampler::AlwaysOn
        };
        sampler.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

pub(crate) fn provider(exporter: &InMemorySpanExporter) -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(LoudRoots)))
        .with_simple_exporter(exporter.clone())
        .build()
}

/// Makes a subscriber with one of the layers.
pub(crate) fn dispatch(kind: Kind, options: &Options, provider: &SdkTracerProvider) -> Dispatch {
    let other = options.other_layer.then_some(OtherLayer);
    let registry = tracing_subscriber::registry();
    if kind == Kind::Upstream {
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("t"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_error_fields_to_exceptions(options.error_fields)
            .with_error_records_to_exceptions(options.error_fields)
            .with_error_events_to_exceptions(options.error_fields)
            .with_error_events_to_status(options.error_fields)
            .with_filter(LevelFilter::INFO);
        Dispatch::new(registry.with(layer).with(other))
    } else {
        let limit = if options.value_limit {
            VALUE_LIMIT
        } else {
            16 * 1024
        };
        let layer = otel_tracing::layer(provider)
            .with_parent_based_sampler(kind == Kind::ParentBased)
            .with_events(options.events)
            .with_error_fields(options.error_fields)
            .with_function_names(options.function_names)
            .with_value_limit(limit)
            .with_end_at_exit(options.end_at_exit);
        Dispatch::new(registry.with(layer).with(other))
    }
}

/// The ids of a caller.
pub(crate) fn remote(number: u64) -> SpanContext {
    let flags = if number == REMOTES {
        TraceFlags::default()
    } else {
        TraceFlags::SAMPLED
    };
    let (trace, span) = (TraceId::from(u128::from(number)), SpanId::from(number));
    SpanContext::new(trace, span, flags, true, TraceState::NONE)
}
