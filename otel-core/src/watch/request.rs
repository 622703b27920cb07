//! Where the two HTTP halves look.

use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};

use super::{LossKind, has_started, register, serving};

static IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);

/// A request in flight, from before its SERVER span is opened until that has ended.
#[derive(Debug)]
#[must_use = "the request counts as in flight while this is held"]
pub struct WatchedRequest {
    /// A span was active around it already: what is active when it ends may be that one's.
    nested: bool,
}

impl WatchedRequest {
    /// Looks for another request's context on this thread; `None` while detection is off.
    ///
    /// Call it before anything of the new request is active. `name` is asked only for a loss.
    pub fn begin(target: &'static str, name: impl FnOnce() -> String) -> Option<Self> {
        if !has_started() {
            return None;
        }
        IN_FLIGHT.fetch_add(1, Ordering::Relaxed);
        let found = Context::map_current(found_active);
        match found {
            Active::Nothing | Active::Other => {}
            Active::Running => register::lost(LossKind::RequestInsideRequest, name(), target),
            Active::Ended => register::lost(LossKind::ContextAfterRequest, name(), target),
        }
        Some(Self {
            nested: !matches!(found, Active::Nothing),
        })
    }

    /// Notes the SERVER span, by whose trace the request's context is known elsewhere.
    pub fn opened(&self, span: &SpanContext) {
        serving::add(span.trace_id());
    }

    /// Looks for what the request has left active on this thread.
    ///
    /// Call it with the same span, when that has ended and its context is detached. `name` is asked only for a loss.
    pub fn end(self, span: &SpanContext, target: &'static str, name: impl FnOnce() -> String) {
        let trace = span.trace_id();
        serving::remove(trace);
        let left = |current: &Context| {
            current.has_active_span() && current.span().span_context().trace_id() == trace
        };
        if !self.nested && span.is_valid() && Context::map_current(left) {
            register::lost(LossKind::ContextAfterRequest, name(), target);
        }
    }
}

impl Drop for WatchedRequest {
    fn drop(&mut self) {
        IN_FLIGHT.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Looks whether an outgoing call has a parent, while requests are being served.
///
/// Call it with the parent of the CLIENT span. Calls of telemetry's own exporters are no loss. `name` is asked only for
/// a loss.
pub fn call_starts(parent: &Context, target: &'static str, name: impl FnOnce() -> String) {
    if !has_started() || IN_FLIGHT.load(Ordering::Relaxed) == 0 {
        return;
    }
    let has_parent = parent.has_active_span() && parent.span().span_context().is_valid();
    if !has_parent && !parent.is_telemetry_suppressed() {
        register::lost(LossKind::CallWithoutParent, name(), target);
    }
}

enum Active {
    Nothing,
    /// A span that is no request's: the caller's, or one that the application opened around its service.
    Other,
    /// A request's that is being served.
    Running,
    Ended,
}

fn found_active(current: &Context) -> Active {
    if !current.has_active_span() {
        return Active::Nothing;
    }
    let span = current.span();
    let ids = span.span_context();
    if !ids.is_valid() || ids.is_remote() {
        Active::Other
    } else if ids.is_sampled() && !span.is_recording() {
        Active::Ended
    } else if serving::contains(ids.trace_id()) {
        Active::Running
    } else {
        Active::Other
    }
}
