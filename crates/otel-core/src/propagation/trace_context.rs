use std::sync::LazyLock;

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::{TraceContextExt as _, TraceState},
};

use super::{
    found::FoundHeaders,
    list,
    parse_error::{ParseError, Problem},
    refusal,
    remote::{RemoteContext, RemoteTracestate},
    traceparent::Traceparent,
    tracestate,
};
use crate::context_loss::LossKind;

/// Carries the trace in the headers `traceparent` and `tracestate` (W3C Trace Context level 2).
///
/// - If the traceparent is missing or invalid, the parent context stays as it is and the tracestate is ignored.
/// - If only the tracestate is invalid, only the tracestate is dropped.
/// - Without an SDK both headers are sent on as they were received. Two things change: blanks and empty members of the
///   tracestate are removed, and the version is always 00.
/// - The random flag is in the flags of the `SpanContext`. The SDK copies it to spans that it records, and drops it for other spans.
///   Therefore it also travels as a value of the `Context`.
/// - A tracestate with level-2 keys does not fit into a `SpanContext`. It travels as a value of the `Context`, too.
/// - These values are sent again while the trace-id is the same and, for the tracestate, the span's `TraceState` too.
///
/// Do not combine this propagator with one of another crate that gives bit 0x02 of the flags another meaning. The propagators for B3,
/// X-Ray and Datadog of OpenTelemetry read it as "deferred": they send no sampling decision for a trace with the random flag, and a deferred
/// decision that they have read leaves in `traceparent` as the random flag. [`B3Propagator`](super::B3Propagator) ignores the bit.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
/// use opentelemetry::{propagation::TextMapPropagator as _, trace::TraceContextExt as _, Context};
/// use otel_core::propagation::TraceContextPropagator;
///
/// let mut headers = HashMap::new();
/// headers.insert("traceparent".to_owned(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03".to_owned());
///
/// let propagator = TraceContextPropagator::new();
/// let cx = propagator.extract_with_context(&Context::new(), &headers);
/// assert!(cx.span().span_context().is_sampled());
///
/// let mut sent = HashMap::new();
/// propagator.inject_context(&cx, &mut sent);
/// assert_eq!(sent, headers);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TraceContextPropagator {
    random_trace_ids: bool,
}

impl TraceContextPropagator {
    /// Creates a propagator that does not set the random flag on new traces.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            random_trace_ids: false,
        }
    }

    /// Sets the random flag on traces that begin here. The default is false.
    ///
    /// Set it if the rightmost 7 bytes of new trace-ids are random, as they are with the SDK's default generator. Level 2 recommends
    /// the flag. But some tracers start a new trace if they receive it, for example Micrometer Tracing with Brave. Only the header
    /// gets the flag: the SDK creates the spans of a new trace without it. A trace that a propagator from another crate has
    /// continued counts as begun here.
    #[must_use]
    pub const fn random_trace_ids(mut self, random: bool) -> Self {
        self.random_trace_ids = random;
        self
    }

    /// Reads the headers into a child of `cx`. Returns `None` if the traceparent is missing or invalid.
    pub(super) fn try_extract(&self, cx: &Context, extractor: &dyn Extractor) -> Option<Context> {
        let found = FoundHeaders::for_extractor(extractor);
        let parent = match found {
            Some(FoundHeaders {
                traceparent: Some(parent),
                ..
            }) => parent,
            Some(found) if !found.has_traceparent || !refusal::is_reported(cx) => return None,
            // A header that was found but refused is read again for the reason.
            _ => match extract_traceparent(extractor)? {
                Ok(parent) => parent,
                Err(error) => {
                    refusal::report(LossKind::RefusedTraceparent, &error, cx);
                    return None;
                }
            },
        };
        let (state, remote_state) = match found {
            Some(found) if !found.has_tracestate => (TraceState::NONE, None),
            _ => extract_tracestate(cx, extractor),
        };
        let cx = if self.needs_value(cx, &parent, remote_state.is_some()) {
            &cx.with_value(RemoteContext {
                random: parent.is_random(),
                tracestate: remote_state,
                ..RemoteContext::new(parent.trace_id())
            })
        } else {
            cx
        };
        Some(cx.with_remote_span_context(parent.to_span_context(state)))
    }

    /// Returns true if `inject_context` would send something else without the value, which costs allocations.
    fn needs_value(&self, cx: &Context, parent: &Traceparent, tracestate: bool) -> bool {
        parent.is_random()
            || tracestate
            || self.random_trace_ids
            || cx.get::<RemoteContext>().is_some()
    }
}

impl TextMapPropagator for TraceContextPropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let span = cx.span();
        let span = span.span_context();
        let Some(parent) = Traceparent::from_span_context(span) else {
            return;
        };
        let remote = RemoteContext::for_span(cx, span);
        let random = parent.is_random()
            || match remote {
                Some(remote) => remote.random,
                None => self.random_trace_ids && !span.is_remote(),
            };
        injector.set(TRACEPARENT, parent.with_random(random).to_string());

        let state = match remote.and_then(|remote| remote.tracestate(span)) {
            Some(header) => header.to_owned(),
            None if *span.trace_state() == TraceState::NONE => return,
            None => tracestate::header(span.trace_state()),
        };
        if !state.is_empty() {
            injector.set(TRACESTATE, state);
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        self.try_extract(cx, extractor)
            .unwrap_or_else(|| cx.clone())
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(FIELDS.as_slice())
    }
}

/// Returns `None` if the header is missing.
fn extract_traceparent(extractor: &dyn Extractor) -> Option<Result<Traceparent, ParseError>> {
    let lines = extractor.get_all(TRACEPARENT)?;
    Some(match lines.as_slice() {
        [] => return None,
        [line] => list::trim(line).parse(),
        // Two lines are invalid even if they are equal (level 2, 3.2).
        _ => Err(ParseError::new(TRACEPARENT, "header", 0, Problem::Repeated)),
    })
}

/// Returns the tracestate as the API's type, and the whole header if the API's type cannot hold all of it.
fn extract_tracestate(
    cx: &Context,
    extractor: &dyn Extractor,
) -> (TraceState, Option<RemoteTracestate>) {
    let Some(lines) = extractor.get_all(TRACESTATE) else {
        return (TraceState::NONE, None);
    };
    let lines = lines.iter().copied();
    if let Err(error) = tracestate::check(lines.clone()) {
        refusal::report(LossKind::RefusedTracestate, &error, cx);
        return (TraceState::NONE, None);
    }
    if let Ok(state) = TraceState::from_key_value(tracestate::members(lines.clone())) {
        return (state, None);
    }
    // The API's type accepts level-1 keys only: the span gets those members, and the value keeps the whole list.
    let level_1 = tracestate::members(lines.clone())
        .filter(|member| TraceState::from_key_value([*member]).is_ok());
    let in_span = TraceState::from_key_value(level_1).unwrap_or_default();
    let header = tracestate::join(lines);
    (in_span.clone(), Some(RemoteTracestate { header, in_span }))
}

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
static FIELDS: LazyLock<[String; 2]> =
    LazyLock::new(|| [TRACEPARENT.to_owned(), TRACESTATE.to_owned()]);
