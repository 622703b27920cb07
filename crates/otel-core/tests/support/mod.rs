//! The span layer of the tests.

use std::env;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

/// Creates the span layer of this test run: otel-tracing's layer, or tracing-opentelemetry's layer if
/// `OTEL_TESTKIT_SPAN_LAYER` is `tracing-opentelemetry`.
pub(crate) fn span_layer<S>(provider: &SdkTracerProvider) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    if env::var("OTEL_TESTKIT_SPAN_LAYER").is_ok_and(|name| name == "tracing-opentelemetry") {
        let tracer = provider.tracer("test");
        tracing_opentelemetry::layer().with_tracer(tracer).boxed()
    } else {
        otel_tracing::layer(provider).boxed()
    }
}
