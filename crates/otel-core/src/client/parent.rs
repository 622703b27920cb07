//! Under which span a call lies.

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The active context; where a subscriber does not activate it, the context of the current `tracing` span.
#[must_use]
pub fn parent() -> Context {
    let active = Context::current();
    if active.has_active_span() {
        return active;
    }
    let current = tracing::Span::current().context();
    if current.has_active_span() {
        current
    } else {
        active
    }
}
