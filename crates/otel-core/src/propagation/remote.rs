use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};

use super::b3::B3Sampling;

/// The flag that says that the rightmost 7 bytes of the trace-id are random (Trace Context level 2). The API has no name for it.
pub(super) const RANDOM: TraceFlags = TraceFlags::new(0x02);

/// Returns the flags of the context's span, as they are sent and logged.
///
/// The SDK drops the random flag of a caller if it does not record the span. The context still has it.
#[doc(hidden)]
#[inline]
#[must_use]
pub fn trace_flags(cx: &Context) -> TraceFlags {
    let span = cx.span();
    let span = span.span_context();
    let flags = span.trace_flags();
    // The SDK copies the caller's flags to a span that it records.
    if flags.is_sampled() || !RemoteContext::is_random(cx, span) {
        return flags;
    }
    flags | RANDOM
}

/// The parts of the incoming context that a `SpanContext` cannot hold.
///
/// It is a value of the `Context`, so every span that is started under that context keeps it. The trace-id in it makes sure that
/// a restarted trace does not inherit it.
#[derive(Clone, Debug)]
pub(super) struct RemoteContext {
    /// Invalid for a B3 decision without ids.
    pub(super) trace_id: TraceId,
    /// The random flag, for spans that the SDK does not record. The others have it in their `SpanContext`.
    pub(super) random: bool,
    pub(super) tracestate: Option<RemoteTracestate>,
    pub(super) b3: Option<B3Sampling>,
    /// What the trust policy or an option of the server asks of the sampler.
    pub(super) request: Option<SamplingRequest>,
}

/// What an incoming request asks of the sampler, instead of following the caller's decision. For samplers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SamplingRequest {
    /// Decide as for a span without a parent.
    AsRoot,
    /// Sample.
    Sample,
}

impl SamplingRequest {
    /// Returns what the request asks of the sampler of a span with this parent.
    ///
    /// Only the span that continues the caller's trace in this process is asked for. Its children follow its decision: they
    /// get `None`, or `Sample` if the request asks for that and their parent is sampled.
    #[inline]
    #[must_use]
    pub fn from_parent(parent: &Context) -> Option<Self> {
        let remote = parent.get::<RemoteContext>()?;
        let request = remote.sampling_request()?;
        let span = parent.span();
        let span = span.span_context();
        let begins_here = remote.trace_id == TraceId::INVALID;
        if !span.is_valid() {
            return begins_here.then_some(request);
        }
        let is_same_trace = remote.trace_id == span.trace_id();
        if span.is_remote() {
            return is_same_trace.then_some(request);
        }
        let follows = request == Self::Sample && span.is_sampled();
        (follows && (is_same_trace || begins_here)).then_some(request)
    }

    /// Returns the context with this request, which applies to the span that starts in it.
    ///
    /// A span of this process has been decided already, so a context in which one is active does not change.
    pub(crate) fn added_to(self, cx: &Context) -> Context {
        let span = cx.span();
        let span = span.span_context();
        if span.is_valid() && !span.is_remote() {
            return cx.clone();
        }
        let received = cx.get::<RemoteContext>();
        let mut remote = match received.filter(|it| it.trace_id == span.trace_id()) {
            Some(remote) => remote.clone(),
            None => RemoteContext::new(span.trace_id()),
        };
        remote.request = Some(self);
        let requested = cx.with_value(remote);
        if self == Self::AsRoot || span.is_sampled() {
            return requested;
        }
        // A sampler that knows nothing of the request follows this bit. Without a caller's span it is in an invalid context.
        requested.with_remote_span_context(SpanContext::new(
            span.trace_id(),
            span.span_id(),
            span.trace_flags() | TraceFlags::SAMPLED,
            true,
            span.trace_state().clone(),
        ))
    }
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
    pub(super) fn new(trace_id: TraceId) -> Self {
        Self {
            trace_id,
            random: false,
            tracestate: None,
            b3: None,
            request: None,
        }
    }

    fn sampling_request(&self) -> Option<SamplingRequest> {
        match self.b3 {
            Some(B3Sampling::Debug) => Some(SamplingRequest::Sample),
            Some(B3Sampling::Defer) => self.request.or(Some(SamplingRequest::AsRoot)),
            _ => self.request,
        }
    }

    /// Returns the value that was received with the trace of this span.
    pub(super) fn for_span<'a>(cx: &'a Context, span: &SpanContext) -> Option<&'a Self> {
        cx.get::<Self>()
            .filter(|remote| remote.trace_id == span.trace_id())
    }

    /// Returns true if the trace of this span was received with the random flag.
    fn is_random(cx: &Context, span: &SpanContext) -> bool {
        Self::for_span(cx, span).is_some_and(|remote| remote.random)
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
