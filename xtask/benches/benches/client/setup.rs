//! What is installed in the process: as otel-setup does it, and the same for the peer's OpenTelemetry.

use std::time::Duration;

use opentelemetry_0_32::trace::TracerProvider as _;
use otel_core::propagation::CompositePropagator;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;

pub(crate) fn install() {
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_span_processor(Discard)
        .build();
    opentelemetry::global::set_tracer_provider(provider);
    opentelemetry::global::set_text_map_propagator(CompositePropagator::default());
    install_0_32();
}

fn install_0_32() {
    use opentelemetry_sdk_0_32::propagation::TraceContextPropagator;
    use opentelemetry_sdk_0_32::trace::{Sampler, SdkTracerProvider};

    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_span_processor(Discard)
        .build();
    let spans = tracing_opentelemetry_0_33::layer()
        .with_tracer(provider.tracer("bench"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(LevelFilter::INFO.and(filter_fn(|metadata| metadata.is_span())));
    opentelemetry_0_32::global::set_tracer_provider(provider);
    opentelemetry_0_32::global::set_text_map_propagator(TraceContextPropagator::new());
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(spans))
        .expect("nothing else sets it");
}

/// Exporting is the same for all.
#[derive(Debug)]
struct Discard;

impl opentelemetry_sdk::trace::SpanProcessor for Discard {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &opentelemetry::Context) {}

    fn on_end(&self, _: opentelemetry_sdk::trace::SpanData) {}

    fn force_flush(&self) -> opentelemetry_sdk::error::OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> opentelemetry_sdk::error::OTelSdkResult {
        Ok(())
    }
}

impl opentelemetry_sdk_0_32::trace::SpanProcessor for Discard {
    fn on_start(
        &self,
        _: &mut opentelemetry_sdk_0_32::trace::Span,
        _: &opentelemetry_0_32::Context,
    ) {
    }

    fn on_end(&self, _: opentelemetry_sdk_0_32::trace::SpanData) {}

    fn force_flush(&self) -> opentelemetry_sdk_0_32::error::OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> opentelemetry_sdk_0_32::error::OTelSdkResult {
        Ok(())
    }
}
