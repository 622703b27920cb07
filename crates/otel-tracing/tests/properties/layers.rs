//! The two layers, and a provider that drops some traces.

use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry::trace::{
    SpanContext, SpanId, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider};
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::dropping::DroppingSampler;
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

pub(crate) fn provider(exporter: &InMemorySpanExporter) -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(DroppingSampler("quiet"))))
        .with_simple_exporter(exporter.clone())
        .build()
}

/// Waits until no other test of this process has a subscriber.
///
/// Whether a hidden span has a dispatcher depends on all subscribers of the process, and so does the answer of its `set_parent`.
pub(crate) fn only_subscriber() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
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
