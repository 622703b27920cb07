//! How other crates reach the OpenTelemetry spans of `otel-tracing`'s layer, and hand spans over to it.

use std::cell::Cell;
use std::fmt;
use std::ptr;
use std::sync::{Arc, OnceLock};

use opentelemetry::trace::SpanBuilder;
use opentelemetry::{Context, InstrumentationScope};
use tracing::span::Id;
use tracing::{Dispatch, Span, dispatcher};

/// The OpenTelemetry spans of a subscriber that has `otel-tracing`'s layer.
///
/// `Dispatch::downcast_ref` returns it. A subscriber without the layer has none.
#[derive(Clone)]
pub struct SpanAccess(Arc<dyn AccessSpans>);

/// What the layer offers to other crates.
pub trait AccessSpans: Send + Sync {
    /// Returns the context of a `tracing` span: of the span itself, or of the first span around it that the layer knows.
    ///
    /// A span that has not started is skipped, because a later `set_parent` would fail if the span started here.
    fn started_context(&self, dispatch: &Dispatch, id: &Id) -> Option<Context>;

    /// Starts a span with this scope, and returns its context: a child of `parent`.
    fn start(
        &self,
        scope: &InstrumentationScope,
        builder: SpanBuilder,
        parent: &Context,
    ) -> Context;
}

impl SpanAccess {
    /// Makes the access to a layer's spans.
    pub fn new(layer: Arc<dyn AccessSpans>) -> Self {
        Self(layer)
    }

    /// Returns the access of this thread's subscriber.
    #[inline]
    #[must_use]
    pub fn current() -> Option<Self> {
        if dispatcher::has_been_set() {
            dispatcher::get_default(|dispatch| Self::of(dispatch).cloned())
        } else {
            None
        }
    }

    /// Returns the access of this subscriber.
    #[inline]
    #[must_use]
    pub fn of(dispatch: &Dispatch) -> Option<&Self> {
        dispatch.downcast_ref()
    }

    /// Returns `true` if this is the access to the spans of this layer.
    #[must_use]
    pub fn is_of<T>(&self, layer: &T) -> bool {
        self.layer_id() == ptr::from_ref(layer).addr()
    }

    /// Returns a number for the layer, which no other layer that exists now has.
    #[must_use]
    pub fn layer_id(&self) -> usize {
        Arc::as_ptr(&self.0).cast::<()>().addr()
    }

    /// Returns the context of a `tracing` span, as [`AccessSpans::started_context`] describes.
    #[must_use]
    pub fn started_context(&self, dispatch: &Dispatch, id: &Id) -> Option<Context> {
        self.0.started_context(dispatch, id)
    }

    /// Starts a span with this scope, and returns its context: a child of `parent`.
    #[must_use]
    pub fn start(
        &self,
        scope: &InstrumentationScope,
        builder: SpanBuilder,
        parent: &Context,
    ) -> Context {
        self.0.start(scope, builder, parent)
    }
}

impl fmt::Debug for SpanAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpanAccess")
    }
}

/// Sets the function that finds the context of a `tracing` span in a subscriber without `otel-tracing`'s layer. The first call counts.
///
/// This crate does not know other layers. The crates that know tracing-opentelemetry's layer set its function.
pub fn set_other_layer(context_of: fn(&Id, &Dispatch) -> Option<Context>) {
    let _ = OTHER_LAYER.set(context_of);
}

/// Returns the context of the current `tracing` span, also if its layer does not activate contexts.
///
/// A span of `otel-tracing`'s layer that has not started is skipped, as [`AccessSpans::started_context`] describes.
#[must_use]
pub fn current_context() -> Option<Context> {
    if !dispatcher::has_been_set() {
        return None;
    }
    let context =
        Span::current().with_subscriber(|(id, dispatch)| match SpanAccess::of(dispatch) {
            Some(layer) => layer.started_context(dispatch, id),
            None => OTHER_LAYER
                .get()
                .and_then(|context_of| context_of(id, dispatch)),
        });
    context.flatten()
}

static OTHER_LAYER: OnceLock<fn(&Id, &Dispatch) -> Option<Context>> = OnceLock::new();

/// Notes that the layer has kept the fields of a new span. The other layers of the subscriber see the span directly after it.
#[inline]
pub fn set_newest_span(layer_id: usize, span: &Id) {
    NEWEST_SPAN.set((layer_id, span.into_u64()));
}

/// Returns `true` if the layer has kept the fields of this span, and has seen no newer span on this thread.
///
/// It spares the look-up of the span. If it returns `false`, the fields may still be there.
#[inline]
#[must_use]
pub fn is_newest_span(layer_id: usize, span: &Id) -> bool {
    NEWEST_SPAN.get() == (layer_id, span.into_u64())
}

/// Makes a `tracing` span for an OpenTelemetry span that exists already. `make` must make exactly this span.
///
/// The layer of `otel-tracing` takes the context for the `tracing` span instead of starting a second OpenTelemetry span. It does
/// not end the span. If no such layer sees the `tracing` span, nothing takes the context.
pub fn hand_over<T>(context: Context, make: impl FnOnce() -> T) -> T {
    let _reset = Reset(HANDED_OVER.replace(Some(context)));
    IS_HANDING_OVER.set(true);
    make()
}

/// Takes the context that is handed over on this thread.
#[inline]
#[must_use]
pub fn take_handed_over() -> Option<Context> {
    if IS_HANDING_OVER.get() {
        HANDED_OVER.take()
    } else {
        None
    }
}

/// Returns `true` while the `tracing` span is made for a span that is handed over. Its fields are for display only.
#[inline]
#[must_use]
pub fn is_handing_over() -> bool {
    IS_HANDING_OVER.get()
}

/// Enters a span that was handed over, without activating its context: the caller does that, for less than the layer.
#[inline]
pub fn enter_without_context<T>(span: Option<Id>, enter: impl FnOnce() -> T) -> T {
    let id = span.map_or(0, |id| id.into_u64());
    let _restore = Restore(ENTERED_WITHOUT_CONTEXT.replace(id));
    enter()
}

/// Returns `true` if the span is entered without its context.
#[inline]
#[must_use]
pub fn is_entered_without_context(span: &Id) -> bool {
    ENTERED_WITHOUT_CONTEXT.get() == span.into_u64()
}

/// Restores the span that was entered without its context, also if another layer panics.
struct Restore(u64);

impl Drop for Restore {
    fn drop(&mut self) {
        ENTERED_WITHOUT_CONTEXT.set(self.0);
    }
}

/// Ends a hand-over, also if it panics.
struct Reset(Option<Context>);

impl Drop for Reset {
    fn drop(&mut self) {
        IS_HANDING_OVER.set(false);
        HANDED_OVER.set(self.0.take());
    }
}

thread_local! {
    static HANDED_OVER: Cell<Option<Context>> = const { Cell::new(None) };
    static IS_HANDING_OVER: Cell<bool> = const { Cell::new(false) };
    static ENTERED_WITHOUT_CONTEXT: Cell<u64> = const { Cell::new(0) };
    static NEWEST_SPAN: Cell<(usize, u64)> = const { Cell::new((0, 0)) };
}
