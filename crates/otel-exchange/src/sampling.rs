//! What the parent's sampling decision says about a new span.

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;

/// Returns `true` if the parent is a span that is not sampled.
#[inline]
pub(crate) fn is_unsampled(parent: &Context) -> bool {
    let span = parent.span();
    let parent = span.span_context();
    parent.is_valid() && !parent.is_sampled()
}
