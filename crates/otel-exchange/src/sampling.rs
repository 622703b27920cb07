//! What the parent's sampling decision says about a new span.

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use otel_core::propagation::SamplingRequest;

/// Returns `true` if the parent is a span that is not sampled, and the request does not ask for another decision.
#[inline]
pub(crate) fn is_unsampled(parent: &Context) -> bool {
    let span = parent.span();
    let ids = span.span_context();
    ids.is_valid() && !ids.is_sampled() && SamplingRequest::from_parent(parent).is_none()
}
