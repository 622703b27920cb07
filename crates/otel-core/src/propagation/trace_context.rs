use std::sync::LazyLock;

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::{TraceContextExt as _, TraceState},
};

use super::{
    list,
    remote::{HeldTracestate, Remote},
    traceparent::Traceparent,
    tracestate::{self, Tracestate},
};

/// Carries the trace in the headers `traceparent` and `tracestate` (W3C Trace Context level 2).
///
/// A missing or invalid traceparent leaves the parent context as it is, and the tracestate is then not looked at; an
/// invalid tracestate is dropped alone. Without an SDK both headers leave as they came, apart from blanks and empty
/// members around the tracestate's members and the version, which is always 00.
///
/// The random flag and a tracestate with level-2 keys do not fit into a `SpanContext`. They travel as a value in the
/// `Context` and are sent again as long as the trace-id, and for tracestate the span's `TraceState`, are the same.
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
    /// Creates a propagator that leaves the random flag unset on new traces.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            random_trace_ids: false,
        }
    }

    /// Says whether trace-ids made here have at least 7 random bytes at the right, as the SDK's default generator's do;
    /// if so, traces that begin here carry the random flag. Default: false.
    ///
    /// A trace that another propagator than those of this module has continued counts as begun here.
    #[must_use]
    pub const fn random_trace_ids(mut self, random: bool) -> Self {
        self.random_trace_ids = random;
        self
    }

    /// Reads the headers into a child of `cx`, or returns `None` if there is no valid traceparent.
    pub(super) fn try_extract(&self, cx: &Context, extractor: &dyn Extractor) -> Option<Context> {
        let lines = extractor.get_all(TRACEPARENT)?;
        // It is no list: two lines are invalid even if they are equal (level 2, 3.2).
        let [line] = lines.as_slice() else {
            return None;
        };
        let parent: Traceparent = list::trim(line).parse().ok()?;
        let (state, beyond) = extract_tracestate(extractor);
        let cx = if self.needs_value(cx, &parent, beyond.is_some()) {
            &cx.with_value(Remote {
                trace_id: parent.trace_id(),
                random: parent.is_random(),
                tracestate: beyond,
                b3: None,
            })
        } else {
            cx
        };
        Some(cx.with_remote_span_context(parent.to_span_context(state)))
    }

    /// A value costs allocations, so it is kept only if inject would do something else without it.
    fn needs_value(&self, cx: &Context, parent: &Traceparent, tracestate: bool) -> bool {
        parent.is_random() || tracestate || self.random_trace_ids || cx.get::<Remote>().is_some()
    }
}

impl TextMapPropagator for TraceContextPropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let span = cx.span();
        let span = span.span_context();
        let Some(parent) = Traceparent::from_span_context(span) else {
            return;
        };
        let remote = Remote::of(cx, span);
        let random = match remote {
            Some(remote) => remote.random,
            None => self.random_trace_ids && !span.is_remote(),
        };
        injector.set(TRACEPARENT, parent.with_random(random).to_string());

        let state = match remote.and_then(|remote| remote.tracestate(span)) {
            Some(sent) => sent.as_str().to_owned(),
            None if *span.trace_state() == TraceState::NONE => return,
            None => Tracestate::from_trace_state(span.trace_state()).into_string(),
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

/// Returns what the API's type holds of the tracestate, and all of it if that is not the same.
fn extract_tracestate(extractor: &dyn Extractor) -> (TraceState, Option<HeldTracestate>) {
    let Some(lines) = extractor.get_all(TRACESTATE) else {
        return (TraceState::NONE, None);
    };
    let lines = lines.iter().copied();
    if tracestate::check(lines.clone()).is_err() {
        return (TraceState::NONE, None);
    }
    if let Ok(state) = TraceState::from_key_value(tracestate::members(lines.clone())) {
        return (state, None);
    }
    // Its keys are level 1: give the span the members that pass, and carry the whole list beside it.
    let passing = tracestate::members(lines.clone())
        .filter(|member| TraceState::from_key_value([*member]).is_ok());
    let held = TraceState::from_key_value(passing).unwrap_or_default();
    (
        held.clone(),
        Some(HeldTracestate {
            sent: Tracestate::from_checked(lines),
            held,
        }),
    )
}

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
static FIELDS: LazyLock<[String; 2]> =
    LazyLock::new(|| [TRACEPARENT.to_owned(), TRACESTATE.to_owned()]);
