//! Finds the trace and span id of an event.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::OnceLock,
};

use opentelemetry::{
    Context as OtelContext, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt as _},
};
use tracing_core::{
    Dispatch, Event, Subscriber,
    dispatcher::{self, WeakDispatch},
    span,
};
use tracing_subscriber::{
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

use crate::span_fields::SpanFields;

/// The ids that a line carries; always valid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) trace_flags: TraceFlags,
}

/// Where the ids come from.
#[derive(Debug, Default)]
pub(crate) struct Source {
    dispatch: OnceLock<WeakDispatch>,
}

impl Source {
    /// Keeps the dispatch through which the OpenTelemetry layer can be asked.
    pub(crate) fn on_register_dispatch(&self, dispatch: &Dispatch) {
        let _ = self.dispatch.set(dispatch.downgrade());
    }

    /// Notes the entered span, and takes the thread's dispatch where none was registered.
    ///
    /// `Option`, `Vec` and a boxed subscriber do not forward `on_register_dispatch`. While an event is dispatched the
    /// thread's default dispatch is hidden; while a span is entered it is not.
    pub(crate) fn on_enter<S>(&self, span: &SpanRef<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        SpanFields::on_enter(span);
        if self.dispatch.get().is_none() {
            dispatcher::get_default(|dispatch| {
                if owns(dispatch, span) {
                    self.on_register_dispatch(dispatch);
                }
            });
        }
        // Before the first line, so that the order in which the thread's locals go is settled in time.
        otel_context_is_alive();
    }

    /// The ids of an event: of its explicit parent, else of the active OpenTelemetry context, else of the current span.
    pub(crate) fn of_event<S>(&self, event: &Event<'_>, ctx: &Context<'_, S>) -> Option<Ids>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let target = event.metadata().target();
        if event.is_root() || target == OTEL_API || !otel_context_is_alive() {
            return None;
        }
        let current = || ctx.current_span().id().cloned();
        if let Some(parent) = event.parent() {
            let current = current();
            let is_current = current.as_ref() == Some(parent);
            // Whether a current span that the filter hides has started is not known, but its context is the active one.
            if !is_current || ctx.span(parent).is_some() {
                return self.of_span::<S>(parent, current.as_ref()).or_else(|| {
                    // The OpenTelemetry layer does not answer inside `reload`.
                    is_current.then(of_active_context).flatten()
                });
            }
        }
        of_active_context().or_else(|| {
            // The SDK logs while tracing-opentelemetry starts a span under a lock; asking about that span would wait
            // for itself.
            if target.starts_with(OTEL_API) {
                return None;
            }
            let current = current()?;
            self.of_span::<S>(&current, Some(&current))
        })
    }

    /// Asks the OpenTelemetry layer about a span and, until it knows one, about those around it.
    ///
    /// The spans are looked up without this layer's own filter, which has no say in what belongs to a trace. A span that
    /// never started is passed over: asking would start it, and a later `set_parent` would fail.
    fn of_span<S>(&self, id: &span::Id, current: Option<&span::Id>) -> Option<Ids>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let dispatch = self.dispatch.get()?.upgrade()?;
        let registry = dispatch.downcast_ref::<S>()?;
        let mut spans = registry
            .span(id)?
            .scope()
            .filter(|span| has_started(registry, span, current))
            .map(|span| span.id());
        let context = once_at_a_time(|| {
            spans.find_map(|id| tracing_opentelemetry::get_otel_context(&id, &dispatch))
        });
        of_span_context(context?.span().span_context())
    }
}

/// Whether the OpenTelemetry layer must have started the span already, if it knows it.
///
/// A span starts when it is entered. This layer's filter may hide a span, and then does not say whether it was entered; but a
/// span around the current one has started, since its child could not have been made otherwise.
fn has_started<S>(registry: &S, span: &SpanRef<'_, S>, current: Option<&span::Id>) -> bool
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    if let Some(fields) = span.extensions().get::<SpanFields>() {
        return fields.is_entered();
    }
    current
        .and_then(|id| registry.span(id)?.parent())
        .is_some_and(|parent| parent.scope().any(|outer| outer.id() == span.id()))
}

fn of_active_context() -> Option<Ids> {
    OtelContext::map_current(|context| of_span_context(context.span().span_context()))
}

fn of_span_context(span_context: &SpanContext) -> Option<Ids> {
    span_context.is_valid().then(|| Ids {
        trace_id: span_context.trace_id(),
        span_id: span_context.span_id(),
        trace_flags: span_context.trace_flags(),
    })
}

/// Asks, unless this thread is asking already.
///
/// Without context activation an entered span may start only now, and what the sampler logs then comes back here while
/// tracing-opentelemetry holds a lock on the span.
fn once_at_a_time<T>(ask: impl FnOnce() -> Option<T>) -> Option<T> {
    if ASKING.replace(true) {
        return None;
    }
    let answer = catch_unwind(AssertUnwindSafe(ask));
    ASKING.set(false);
    answer.unwrap_or(None) // a sampler that panics costs the ids, not the line
}

/// Whether `span` belongs to the subscriber behind `dispatch`, told by where its fields lie in memory: ids repeat from one
/// registry to the next.
fn owns<S>(dispatch: &Dispatch, span: &SpanRef<'_, S>) -> bool
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(ours) = fields_address(span) else {
        return false;
    };
    let theirs = dispatch
        .downcast_ref::<S>()
        .and_then(|registry| fields_address(&registry.span(&span.id())?));
    theirs == Some(ours)
}

fn fields_address<'s, R: LookupSpan<'s>>(span: &SpanRef<'s, R>) -> Option<usize> {
    span.extensions()
        .get::<SpanFields>()
        .map(|fields| ptr::from_ref(fields).addr())
}

/// Whether the thread's OpenTelemetry context can still be read.
///
/// Reading it after its destruction panics, which ends the process, and it has no `try_` form. The locals of a thread are
/// destroyed in the reverse order of their first use, so one that is made after the context is gone before it.
pub(crate) fn otel_context_is_alive() -> bool {
    AFTER_OTEL_CONTEXT
        .try_with(|after| after.made)
        .unwrap_or(false)
}

struct AfterOtelContext {
    made: bool,
}

impl Drop for AfterOtelContext {
    /// Without a destructor a thread local stays readable, and would say nothing about the context.
    fn drop(&mut self) {
        self.made = false;
    }
}

thread_local! {
    static ASKING: Cell<bool> = const { Cell::new(false) };

    static AFTER_OTEL_CONTEXT: AfterOtelContext = AfterOtelContext {
        // Fails where the context was used and destroyed before the first span or line of the thread.
        made: catch_unwind(AssertUnwindSafe(|| OtelContext::map_current(|_| ()))).is_ok(),
    };
}

/// The target under which the OpenTelemetry API logs, in part while its context is borrowed. The SDK and its exporters
/// have targets that begin with it.
pub(crate) const OTEL_API: &str = "opentelemetry";
