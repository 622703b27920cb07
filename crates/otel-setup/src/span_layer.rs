//! The layer that makes OpenTelemetry spans of `tracing` spans.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_core::redact::Secrets;
use otel_core::telemetry_crates;
use otel_tracing::{SpanFilter, SpanLayer};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::registry::LookupSpan;

/// Returns the span layer that [`init`](crate::init) installs, for a subscriber of your own.
///
/// It makes OpenTelemetry spans of the `tracing` spans of INFO and above, whatever `RUST_LOG` says, and adds no events to them.
/// An ERROR event does not set the status of its span. The event that `#[instrument(err)]` makes does.
/// [`SpanLayer`] has the options. Call [`with_parent_based_sampler`](SpanLayer::with_parent_based_sampler) if the sampler of the
/// provider is parent-based: spans of unsampled traces are then nearly free.
///
/// ```
/// use opentelemetry_sdk::trace::SdkTracerProvider;
/// use tracing_subscriber::prelude::*;
///
/// let provider = SdkTracerProvider::builder().build(); // and an exporter
/// let subscriber = tracing_subscriber::registry()
///     .with(otel_setup::span_layer(&provider))
///     .with(tracing_subscriber::fmt::layer());
/// # drop(subscriber);
/// ```
#[must_use]
pub fn span_layer<S>(provider: &SdkTracerProvider) -> SpanLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    otel_tracing::layer(provider).with_error_events(false)
}

/// How spans are made.
#[derive(Debug, Clone)]
pub(crate) struct SpanSettings {
    pub(crate) filter: SpanFilter,
    pub(crate) events: bool,
    pub(crate) is_parent_based: bool,
}

impl SpanSettings {
    /// Returns the layer of otel-tracing.
    pub(crate) fn layer<S>(&self, provider: &SdkTracerProvider) -> SpanLayer<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        span_layer(provider)
            // The exporter hides secrets, on a thread of its own.
            .with_secrets(Secrets::dangerously_off())
            .with_span_filter(self.filter.clone())
            .with_parent_based_sampler(self.is_parent_based)
            .with_events(self.events)
            .with_error_events(self.events)
    }

    /// Returns the layer of tracing-opentelemetry.
    pub(crate) fn tracing_opentelemetry_layer<S>(
        &self,
        provider: &SdkTracerProvider,
    ) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        // An event costs this layer more than its log line costs, and the line has the ids. What the SDK logs about itself does
        // not belong to a span.
        let events = self.events;
        let is_taken = move |metadata: &Metadata<'_>| {
            metadata.is_span() || (events && !telemetry_crates::is_own(metadata.target()))
        };
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("tracing"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(self.filter.targets().clone().and(filter_fn(is_taken)))
    }
}
