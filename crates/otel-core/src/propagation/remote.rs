use opentelemetry::{
    Context,
    trace::{SpanContext, TraceId, TraceState},
};

use super::b3::B3Sampling;

/// The parts of the incoming context that a `SpanContext` cannot hold.
///
/// It is a value of the `Context`, so every span that is started under that context keeps it. The trace-id in it makes sure that
/// a restarted trace does not inherit it.
#[derive(Clone, Debug)]
pub(super) struct RemoteContext {
    /// Invalid for a B3 decision without ids.
    pub(super) trace_id: TraceId,
    pub(super) random: bool,
    pub(super) tracestate: Option<RemoteTracestate>,
    pub(super) b3: Option<B3Sampling>,
}

/// A tracestate of which the API's type can hold only a part.
#[derive(Clone, Debug)]
pub(super) struct RemoteTracestate {
    /// The whole header, as it is sent again.
    pub(super) header: String,
    /// The part in the span's context.
    pub(super) in_span: TraceState,
}

impl RemoteContext {
    /// Returns the value that was received with the trace of this span.
    pub(super) fn for_span<'a>(cx: &'a Context, span: &SpanContext) -> Option<&'a Self> {
        cx.get::<Self>()
            .filter(|remote| remote.trace_id == span.trace_id())
    }

    /// Returns a B3 decision that was received without ids. It applies to the trace that begins in this context.
    pub(super) fn decision(cx: &Context) -> Option<B3Sampling> {
        cx.get::<Self>()
            .filter(|remote| remote.trace_id == TraceId::INVALID)?
            .b3
    }

    /// Returns the tracestate header as it was received. Returns `None` if the span's tracestate has changed since.
    pub(super) fn tracestate(&self, span: &SpanContext) -> Option<&str> {
        self.tracestate
            .as_ref()
            .filter(|state| state.in_span == *span.trace_state())
            .map(|state| state.header.as_str())
    }
}
