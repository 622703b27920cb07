use opentelemetry::{
    Context,
    trace::{SpanContext, TraceId, TraceState},
};

use super::{b3::B3Sampling, tracestate::Tracestate};

/// What the caller sent and a `SpanContext` cannot hold.
///
/// It travels as a value of the `Context`, so it survives every span that is started there, and is keyed by the
/// trace-id, so a trace that was restarted does not inherit it.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    /// Invalid for a B3 decision that came without ids.
    pub(super) trace_id: TraceId,
    pub(super) random: bool,
    pub(super) tracestate: Option<HeldTracestate>,
    pub(super) b3: Option<B3Sampling>,
}

/// A tracestate that the API's type cannot hold, beside what the span got of it.
#[derive(Clone, Debug)]
pub(super) struct HeldTracestate {
    pub(super) sent: Tracestate,
    pub(super) held: TraceState,
}

impl Remote {
    /// Finds what came with the trace that this span belongs to.
    pub(super) fn of<'a>(cx: &'a Context, span: &SpanContext) -> Option<&'a Self> {
        cx.get::<Self>()
            .filter(|remote| remote.trace_id == span.trace_id())
    }

    /// Finds a B3 decision that came without ids, for the trace that began with it.
    pub(super) fn decision(cx: &Context) -> Option<B3Sampling> {
        cx.get::<Self>()
            .filter(|remote| remote.trace_id == TraceId::INVALID)?
            .b3
    }

    /// Returns the tracestate as it came, unless someone has changed the span's since.
    pub(super) fn tracestate(&self, span: &SpanContext) -> Option<&Tracestate> {
        self.tracestate
            .as_ref()
            .filter(|state| state.held == *span.trace_state())
            .map(|state| &state.sent)
    }
}
