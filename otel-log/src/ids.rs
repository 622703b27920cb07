//! Finds the trace id and span id of an event.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::OnceLock,
};

use opentelemetry::{
    Context as OtelContext, SpanId, TraceFlags, TraceId, trace::TraceContextExt as _,
};
use otel_core::{
    active_context, propagation,
    span_access::{self, SpanAccess},
    span_fields::{Owner, SpanFields},
    telemetry_crates,
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

use crate::span_fields;

/// The ids of a line. They are always valid.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) trace_flags: TraceFlags,
}

impl Ids {
    fn from_active_context() -> Option<Self> {
        OtelContext::map_current(Self::from_context)
    }

    fn from_context(context: &OtelContext) -> Option<Self> {
        let span = context.span();
        let span_context = span.span_context();
        span_context.is_valid().then(|| Self {
            trace_id: span_context.trace_id(),
            span_id: span_context.span_id(),
            trace_flags: propagation::trace_flags(context),
        })
    }
}

/// Finds ids. Holds the subscriber through which the OpenTelemetry layer is asked.
#[derive(Debug, Default)]
pub(crate) struct IdSource {
    subscriber: OnceLock<KnownSubscriber>,
}

#[derive(Debug)]
struct KnownSubscriber {
    dispatch: WeakDispatch,
    /// The layer of otel-tracing, if it makes the spans.
    span_layer: Option<usize>,
}

impl IdSource {
    /// Keeps the dispatch.
    pub(crate) fn on_register_dispatch(&self, dispatch: &Dispatch) {
        span_access::set_other_layer(tracing_opentelemetry::get_otel_context);
        let _ = self.subscriber.set(KnownSubscriber {
            dispatch: dispatch.downgrade(),
            span_layer: SpanAccess::of(dispatch).map(SpanAccess::layer_id),
        });
    }

    /// Returns `true` if the layer of otel-tracing has just kept the fields of this new span.
    pub(crate) fn has_fields(&self, id: &span::Id) -> bool {
        let span_layer = self
            .subscriber
            .get()
            .and_then(|subscriber| subscriber.span_layer);
        span_layer.is_some_and(|layer| span_access::is_newest_span(layer, id))
    }

    /// Notes that the span was entered, unless the layer of otel-tracing knows that. Keeps the thread's dispatch if none was
    /// registered.
    ///
    /// `Option`, `Vec` and a boxed subscriber do not forward `on_register_dispatch`. The thread's default dispatch is hidden
    /// while an event is dispatched, but not while a span is entered.
    pub(crate) fn on_enter<S>(&self, owner: Owner, id: &span::Id, ctx: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        // Before the first line, since the first use decides in which order the locals of the thread are destroyed.
        let _ = active_context::is_alive();
        let subscriber = self.subscriber.get();
        if subscriber.is_some_and(|subscriber| subscriber.span_layer.is_some()) {
            return;
        }
        let Some(span) = ctx.span(id) else {
            return;
        };
        span_fields::on_enter(owner, &span);
        if subscriber.is_none() {
            dispatcher::get_default(|dispatch| {
                if owns(dispatch, &span) {
                    self.on_register_dispatch(dispatch);
                }
            });
        }
    }

    /// Returns the ids of the event's explicit parent, or else of the active OpenTelemetry context, or else of the current span.
    pub(crate) fn event_ids<S>(&self, event: &Event<'_>, ctx: &Context<'_, S>) -> Option<Ids>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let target = event.metadata().target();
        if event.is_root() || target == OTEL_API || !active_context::is_alive() {
            return None;
        }
        if let Some(parent) = event.parent() {
            let current = ctx.current_span().id().cloned();
            let is_current = current.as_ref() == Some(parent);
            // If the filter hides the current span, nothing says whether that span has started. But its context is active.
            if !is_current || ctx.span(parent).is_some() {
                return self.span_ids::<S>(parent, current.as_ref()).or_else(|| {
                    // Inside `reload`, the OpenTelemetry layer does not answer.
                    is_current.then(Ids::from_active_context).flatten()
                });
            }
        }
        Ids::from_active_context().or_else(|| {
            // The SDK logs while tracing-opentelemetry starts a span under a lock. Asking for that span's ids would wait for
            // this lock.
            if telemetry_crates::is_own(target) {
                return None;
            }
            let current = ctx.current_span().id().cloned()?;
            self.span_ids::<S>(&current, Some(&current))
        })
    }

    /// Returns the ids of this span or of the first span around it that the OpenTelemetry layer knows.
    ///
    /// The spans are looked up without this layer's own filter, since that filter does not decide what belongs to a trace. Spans
    /// that have not started are skipped: asking for their ids would start them, and a later `set_parent` would fail.
    fn span_ids<S>(&self, id: &span::Id, current: Option<&span::Id>) -> Option<Ids>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let subscriber = self.subscriber.get()?;
        let dispatch = subscriber.dispatch.upgrade()?;
        if subscriber.span_layer.is_some() {
            let context = SpanAccess::of(&dispatch)?.started_context(&dispatch, id)?;
            return Ids::from_context(&context);
        }
        let registry = dispatch.downcast_ref::<S>()?;
        let mut spans = registry
            .span(id)?
            .scope()
            .filter(|span| has_started(registry, span, current))
            .map(|span| span.id());
        let context = once_at_a_time(|| {
            spans.find_map(|id| tracing_opentelemetry::get_otel_context(&id, &dispatch))
        });
        Ids::from_context(&context?)
    }
}

/// Whether the OpenTelemetry layer has started the span, if the layer knows the span.
///
/// A span starts when it is entered. If this layer's filter hides a span, nothing says whether the span was entered. But a span
/// around the current span has started: its child could not have been created otherwise.
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

/// Asks, unless this thread is asking already.
///
/// Without context activation, the question may start an entered span. If the sampler then logs, that event asks again while
/// tracing-opentelemetry holds a lock on the span.
fn once_at_a_time<T>(ask: impl FnOnce() -> Option<T>) -> Option<T> {
    if ASKING.replace(true) {
        return None;
    }
    let answer = catch_unwind(AssertUnwindSafe(ask));
    ASKING.set(false);
    answer.unwrap_or(None) // if the sampler panics, the line is written without ids
}

/// Whether `span` belongs to the subscriber behind `dispatch`. Compares the address of the span's data, since two registries
/// use the same span ids.
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

thread_local! {
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// The target of the OpenTelemetry API, which also logs while its context is borrowed.
const OTEL_API: &str = "opentelemetry";
