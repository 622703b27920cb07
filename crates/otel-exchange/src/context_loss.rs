//! Detects context loss at the start and the end of requests, and at the start of calls.

use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceId};
use otel_core::active_context;
use otel_core::context_loss::{ExpectedTrace, LossKind, is_started, report};
use otel_core::span_access::SpanAccess;

use crate::traces_in_flight;

static IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);

/// Counts a request as in flight until this is dropped.
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

/// A request whose SERVER span is not open yet.
#[derive(Debug)]
#[must_use = "the request counts as in flight while this is held"]
pub struct StartingRequest {
    in_flight: InFlight,
    /// The trace of a span that was already active; zero if that span belongs to another service or request.
    around: Option<TraceId>,
}

impl StartingRequest {
    /// Checks whether another request's context is active on this thread. Returns `None` while detection is off.
    ///
    /// Call it before the new request's context is active. `name` is called only for a loss.
    #[inline]
    pub fn begin(instrumentation: &'static str, name: impl FnOnce() -> String) -> Option<Self> {
        if !is_started() {
            return None;
        }
        let in_flight = InFlight::enter();
        let around = match Context::map_current(found_active) {
            Active::Nothing => None,
            Active::Other(trace) => Some(trace),
            Active::Running => {
                report(LossKind::RequestInsideRequest, name(), instrumentation);
                Some(TraceId::INVALID)
            }
            Active::Ended => {
                report(LossKind::ContextAfterRequest, name(), instrumentation);
                Some(TraceId::INVALID)
            }
        };
        Some(Self { in_flight, around })
    }

    /// Registers the SERVER span's trace, by which the request's context is recognized on other threads.
    ///
    /// A trace that began with a span of the application does not belong to one request, so it is not registered.
    pub fn opened(self, span: &SpanContext) -> RunningRequest {
        let trace = span.trace_id();
        let is_registered = self.around != Some(trace);
        if is_registered {
            traces_in_flight::add(trace);
        }
        RunningRequest {
            _in_flight: self.in_flight,
            is_nested: self.around.is_some(),
            is_registered,
        }
    }
}

/// A request in flight whose SERVER span is open.
#[derive(Debug)]
#[must_use = "the request counts as in flight while this is held"]
pub struct RunningRequest {
    _in_flight: InFlight,
    /// A span was already active, so a span that is active at the end may be that one.
    is_nested: bool,
    is_registered: bool,
}

impl RunningRequest {
    /// Checks whether the request has left its context active on this thread.
    ///
    /// Call it with the same span after the span has ended and its context is detached. `name` is called only for a loss.
    pub fn end(
        self,
        span: &SpanContext,
        instrumentation: &'static str,
        name: impl FnOnce() -> String,
    ) {
        let trace = span.trace_id();
        if self.is_registered {
            traces_in_flight::remove(trace);
        }
        if self.is_nested || !span.is_valid() || !active_context::is_alive() {
            return;
        }
        let is_active = Context::map_current(|current| {
            current.has_active_span() && current.span().span_context().trace_id() == trace
        });
        if is_active {
            report(LossKind::ContextAfterRequest, name(), instrumentation);
        }
    }
}

/// Marks the context of a skipped request, whose calls have no parent on purpose.
///
/// Returns `None` while detection is off, and if the caller has a span, which is then the parent of the calls.
#[must_use]
pub fn without_span(context: &Context) -> Option<Context> {
    // A sampling decision without ids is an active but invalid span.
    let is_needed = is_started() && !context.span().span_context().is_valid();
    is_needed.then(|| context.with_value(WithoutSpan))
}

struct WithoutSpan;

/// Checks whether an outgoing call has a parent while requests are in flight, and whether it is in the trace of its work.
///
/// Call it with the parent of the CLIENT span. Calls of telemetry exporters and calls of requests [`without_span`] are not
/// losses. `name` is called only for a loss.
pub fn call_starts(parent: &Context, instrumentation: &'static str, name: impl FnOnce() -> String) {
    if !is_started() {
        return;
    }
    let has_parent = parent.has_active_span() && parent.span().span_context().is_valid();
    if has_parent {
        if is_in_other_trace(parent) {
            report(LossKind::SpanOutsideContext, name(), instrumentation);
        }
        return;
    }
    let is_on_purpose = parent.is_telemetry_suppressed() || parent.get::<WithoutSpan>().is_some();
    if !is_on_purpose && IN_FLIGHT.load(Ordering::Relaxed) > 0 {
        report(LossKind::CallWithoutParent, name(), instrumentation);
    }
}

/// Returns `true` if the call is made in a future with a span that was made before its context was active.
///
/// The layer of otel-tracing reports such a span itself. A server that runs inside the future has requests of other traces.
fn is_in_other_trace(parent: &Context) -> bool {
    let Some(expected) = ExpectedTrace::of_instrumented() else {
        return false;
    };
    let span = parent.span();
    let trace = span.span_context().trace_id();
    trace != expected
        && span.is_recording()
        && !otel_core::is_current_in(trace)
        && SpanAccess::current().is_none()
}

enum Active {
    Nothing,
    /// A caller's span, or a span that the application opened around its service, with the trace of the latter.
    Other(TraceId),
    /// The span of a request in flight.
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
    } else if traces_in_flight::contains(ids.trace_id()) {
        Active::Running
    } else {
        Active::Other(ids.trace_id())
    }
}
