//! Reports headers that are refused, if the detection of context loss is on.

use opentelemetry::Context;

use super::parse_error::ParseError;
use crate::context_loss::{self, LossKind};

/// Counts and reports a header that was refused. It costs one atomic load if detection is off.
///
/// In a context with suppressed telemetry it does nothing. The trust policy reads untrusted headers in such a context.
#[cold]
pub(super) fn report(kind: LossKind, error: &ParseError, cx: &Context) {
    if is_reported(cx) {
        context_loss::report_header(kind, error.reason());
    }
}

/// Counts and reports `b3: 0` without ids.
#[cold]
pub(super) fn report_deny_without_ids(cx: &Context) {
    if is_reported(cx) {
        let reason = "B3: the decision 0 has no ids".to_owned();
        context_loss::report_header(LossKind::B3DenyWithoutIds, reason);
    }
}

/// Returns `true` if a refused header is counted and reported.
pub(super) fn is_reported(cx: &Context) -> bool {
    context_loss::is_started() && !cx.is_telemetry_suppressed()
}
