//! The span layer of the tests.

use std::env;

use otel_setup::{Builder, SetupError, Telemetry};

/// Chooses the span layer of this test run: the default, or tracing-opentelemetry's layer if `OTEL_TESTKIT_SPAN_LAYER` is
/// `tracing-opentelemetry`.
pub(crate) fn with_span_layer(builder: Builder) -> Builder {
    if is_tracing_opentelemetry() {
        builder.tracing_opentelemetry_layer()
    } else {
        builder
    }
}

/// Calls `otel_setup::init`, or its longer form with tracing-opentelemetry's layer.
pub(crate) fn init(service_name: &str) -> Result<Telemetry, SetupError> {
    if is_tracing_opentelemetry() {
        with_span_layer(otel_setup::builder().service_name(service_name)).init()
    } else {
        otel_setup::init(service_name)
    }
}

/// Returns the scope of the spans that a program makes with `tracing`.
pub(crate) fn scope_of_tracing() -> &'static str {
    if is_tracing_opentelemetry() {
        "tracing"
    } else {
        "otel_tracing"
    }
}

/// Returns `true` if this test run is for tracing-opentelemetry's layer.
pub(crate) fn is_tracing_opentelemetry() -> bool {
    env::var("OTEL_TESTKIT_SPAN_LAYER").is_ok_and(|name| name == "tracing-opentelemetry")
}
