//! Which layer makes the spans of `tracing`.

use std::env;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

/// The variable that chooses the layer for all recorders of a process.
pub(super) const VARIABLE: &str = "OTEL_TESTKIT_SPAN_LAYER";

/// The targets whose spans below INFO otel-tracing's layer leaves out unless they are named.
const TRANSPORT: [&str; 4] = ["h2", "hyper", "tonic", "tower"];

#[derive(Clone, Copy, Debug)]
pub(super) enum SpanLayerKind {
    OtelTracing,
    TracingOpenTelemetry,
}

impl SpanLayerKind {
    /// Reads [`VARIABLE`]. Panics if its value does not name a layer.
    pub(super) fn from_env() -> Self {
        let value = env::var_os(VARIABLE).unwrap_or_default();
        match value.to_str() {
            Some("" | "otel-tracing") => Self::OtelTracing,
            Some("tracing-opentelemetry") => Self::TracingOpenTelemetry,
            _ => panic!("{VARIABLE} is {value:?}; use otel-tracing or tracing-opentelemetry"),
        }
    }

    /// Creates the layer. As in `otel_setup`, events are log lines only.
    pub(super) fn layer<S>(
        self,
        provider: &SdkTracerProvider,
    ) -> Box<dyn Layer<S> + Send + Sync + 'static>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        match self {
            Self::OtelTracing => {
                let mut layer = otel_tracing::layer(provider)
                    .with_level(LevelFilter::TRACE)
                    .with_error_events(false)
                    // Spans have only the attributes that the program sets.
                    .with_function_names(false);
                for target in TRANSPORT {
                    layer = layer.with_target(target, LevelFilter::TRACE);
                }
                layer.boxed()
            }
            Self::TracingOpenTelemetry => tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("otel-testkit"))
                .with_location(false)
                .with_threads(false)
                .with_target(false)
                .with_tracked_inactivity(false)
                .with_filter(filter_fn(|metadata| metadata.is_span()))
                .boxed(),
        }
    }
}
