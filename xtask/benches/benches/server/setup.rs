//! What is installed in the process.

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, global};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor};
use otel_core::propagation::CompositePropagator;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;

/// Installs the global subscriber.
pub(crate) fn install(subscriber: impl Subscriber + Send + Sync) {
    tracing::subscriber::set_global_default(subscriber).expect("nothing else sets it");
}

/// Installs the provider and the propagators, and returns a subscriber with the span layer, as otel-setup does.
pub(crate) fn with_sdk() -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync {
    let layer = otel_tracing::layer(&provider()).with_parent_based_sampler(true);
    tracing_subscriber::registry().with(layer)
}

/// Does the same with the layer of tracing-opentelemetry.
#[allow(dead_code, reason = "not every bench compares both layers")]
pub(crate) fn with_tracing_opentelemetry() -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync
{
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider().tracer("bench"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(LevelFilter::INFO.and(filter_fn(|metadata| metadata.is_span())));
    tracing_subscriber::registry().with(layer)
}

fn provider() -> SdkTracerProvider {
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_span_processor(Discard)
        .build();
    global::set_tracer_provider(provider.clone());
    global::set_text_map_propagator(CompositePropagator::default());
    provider
}

/// Exporting is the same for all.
#[derive(Debug)]
pub(crate) struct Discard;

impl SpanProcessor for Discard {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
