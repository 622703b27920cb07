//! Where the two HTTP halves look.

use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceId};

use super::{LossKind, has_started, register, serving};

static IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);

/// Counts the request as in flight until it is dropped.
#[derive(Debug)]
struct InFlight;

impl InFlight {
    fn enter() -> Self {
        IN_FLIGHT.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        IN_FLIGHT.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request whose SERVER span is yet to be opened.
#[derive(Debug)]
#[must_use = "the request counts as in flight while this is held"]
pub struct BeginningRequest {
    in_flight: InFlight,
    /// The trace of a span that was active around it already; zero where that span came from elsewhere.
    around: Option<TraceId>,
}

impl BeginningRequest {
    /// Looks for another request's context on this thread; `None` while detection is off.
    ///
    /// Call it before anything of the new request is active. `name` is asked only for a loss.
    pub fn begin(target: &'static str, name: impl FnOnce() -> String) -> Option<Self> {
        if !has_started() {
            return None;
        }
        let in_flight = InFlight::enter();
        let around = match Context::map_current(found_active) {
            Active::Nothing => None,
            Active::Other(trace) => Some(trace),
            Active::Running => {
                register::lost(LossKind::RequestInsideRequest, name(), target);
                Some(TraceId::INVALID)
            }
            Active::Ended => {
                register::lost(LossKind::ContextAfterRequest, name(), target);
                Some(TraceId::INVALID)
            }
        };
        Some(Self { in_flight, around })
    }

    /// Notes the SERVER span, by whose trace the request's context is known elsewhere.
    ///
    /// A trace that the application's own span has begun is not the request's alone, and is not noted.
    pub fn opened(self, span: &SpanContext) -> WatchedRequest {
        let trace = span.trace_id();
        let is_noted = self.around != Some(trace);
        if is_noted {
            serving::add(trace);
        }
        WatchedRequest {
            _in_flight: self.in_flight,
            is_nested: self.around.is_some(),
            is_noted,
        }
    }
}

/// A request in flight whose SERVER span has been opened, until that has ended.
#[derive(Debug)]
#[must_use = "the request counts as in flight while this is held"]
pub struct WatchedRequest {
    _in_flight: InFlight,
    /// A span was active around it already: what is active when it ends may be that one's.
    is_nested: bool,
    is_noted: bool,
}

impl WatchedRequest {
    /// Looks for what the request has left active on this thread.
    ///
    /// Call it with the same span, when that has ended and its context is detached. `name` is asked only for a loss.
    pub fn end(self, span: &SpanContext, target: &'static str, name: impl FnOnce() -> String) {
        let trace = span.trace_id();
        if self.is_noted {
            serving::remove(trace);
        }
        let left = |current: &Context| {
            current.has_active_span() && current.span().span_context().trace_id() == trace
        };
        if !self.is_nested && span.is_valid() && Context::map_current(left) {
            register::lost(LossKind::ContextAfterRequest, name(), target);
        }
    }
}

/// Marks the context of a request that has no span by rights, as one that is skipped: its calls are no loss.
///
/// `None` while detection is off, and where the caller has a span, which its calls then have for a parent.
#[must_use]
pub fn without_span(context: &Context) -> Option<Context> {
    let is_needed = has_started() && !context.has_active_span();
    is_needed.then(|| context.with_value(WithoutSpan))
}

struct WithoutSpan;

/// Looks whether an outgoing call has a parent, while requests are being served.
///
/// Call it with the parent of the CLIENT span. Calls of telemetry's own exporters are no loss, nor are those of requests
/// [`without_span`]. `name` is asked only for a loss.
pub fn call_starts(parent: &Context, target: &'static str, name: impl FnOnce() -> String) {
    if !has_started() || IN_FLIGHT.load(Ordering::Relaxed) == 0 {
        return;
    }
    let has_parent = parent.has_active_span() && parent.span().span_context().is_valid();
    let is_rightful = || parent.is_telemetry_suppressed() || parent.get::<WithoutSpan>().is_some();
    if !has_parent && !is_rightful() {
        register::lost(LossKind::CallWithoutParent, name(), target);
    }
}

enum Active {
    Nothing,
    /// A span that is no request's: the caller's, or one that the application opened around its service, with the trace of
    /// the latter.
    Other(TraceId),
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
        Active::Other(TraceId::INVALID)
    } else if ids.is_sampled() && !span.is_recording() {
        Active::Ended
    } else if serving::contains(ids.trace_id()) {
        Active::Running
    } else {
        Active::Other(ids.trace_id())
    }
}
