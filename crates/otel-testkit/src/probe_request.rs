//! How the spans of a check's or an audit's own requests are recognised.

use std::time::Duration;

use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};

use crate::span::Span;

/// Tolerance between times of different processes.
pub(crate) const CLOCK_SLACK: Duration = Duration::from_millis(2);

/// Creates a user agent that no other request has. Most instrumentations record the user agent.
pub(crate) fn unique_user_agent() -> String {
    let id = RandomIdGenerator::default().new_span_id();
    format!("otel-probe/{id}")
}

/// Returns whether the span has recorded a user agent.
pub(crate) fn has_user_agent(span: &Span) -> bool {
    ["user_agent.original", "http.user_agent"]
        .iter()
        .any(|key| span.attribute(key).is_some())
}
