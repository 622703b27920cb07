//! A layer behind a filter by callsite. The only file with unsafe code.

use std::any::{TypeId, type_name};
use std::fmt;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use otel_core::callsites::Callsites;
use otel_core::span_access::SpanAccess;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Interest, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::{Context as LayerContext, Filter};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// A layer behind a filter that decides by callsite only. It costs less than tracing-subscriber's `Filtered`.
///
/// The filter belongs to this layer only: other layers see what they saw before. `Filtered` looks up each span that is entered,
/// left, recorded or closed to ask whether the filter has enabled it. This type does not, so the layer must ignore spans that
/// it has not seen in `on_new_span`.
pub struct CallsiteFiltered<L, F, S> {
    pub(crate) filtered: Filtered<L, F, S>,
    /// `false` if the subscriber has no filters for single layers, and if `reload` has installed the layer. Then the decisions
    /// are kept here.
    is_filtered: bool,
    /// What [`has_filters`] returns, which takes some time.
    has_filters: bool,
    enabled: Callsites<AtomicBool>,
    answers: Option<Arc<dyn Answers>>,
}

/// What a layer answers if the subscriber is asked for a type.
pub(crate) trait Answers: Send + Sync {
    /// Returns the access to the layer's spans.
    fn access(&self) -> &SpanAccess;

    /// Returns a subscriber that answers for further types.
    fn subscriber(&self) -> &dyn Subscriber;
}

impl<L, F, S> CallsiteFiltered<L, F, S>
where
    L: Layer<S>,
    F: Filter<S>,
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    /// Puts a layer behind a filter.
    #[must_use]
    pub fn new(layer: L, filter: F) -> Self {
        Self::with_answers(layer, filter, None)
    }

    pub(crate) fn with_answers(layer: L, filter: F, answers: Option<Arc<dyn Answers>>) -> Self {
        Self {
            filtered: layer.with_filter(filter),
            is_filtered: false,
            has_filters: has_filters::<S>(),
            enabled: Callsites::new(),
            answers,
        }
    }

    fn layer(&self) -> &L {
        self.filtered.inner()
    }

    /// Returns `true` if the layer sees the callsite. Only asked if the subscriber does not filter for this layer.
    fn is_enabled(&self, metadata: &'static Metadata<'static>) -> bool {
        self.enabled
            .get(metadata, || self.decide(metadata).into())
            .load(Ordering::Relaxed)
    }

    fn decide(&self, metadata: &'static Metadata<'static>) -> bool {
        let filter = self.filtered.filter();
        !filter.callsite_enabled(metadata).is_never()
    }
}

/// `tracing_subscriber::fmt().finish()` has no filters for single layers, and panics if a layer asks for one.
fn has_filters<S>() -> bool {
    !type_name::<S>().contains("tracing_subscriber::fmt::Subscriber<")
}

impl<L, F, S> Layer<S> for CallsiteFiltered<L, F, S>
where
    L: Layer<S>,
    F: Filter<S> + 'static,
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.layer().on_register_dispatch(dispatch);
    }

    fn on_layer(&mut self, subscriber: &mut S) {
        self.is_filtered = self.has_filters;
        if self.is_filtered {
            self.filtered.on_layer(subscriber);
        } else {
            self.filtered.inner_mut().on_layer(subscriber);
        }
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.is_filtered {
            self.filtered.register_callsite(metadata)
        } else {
            // Asked again if the filter changes.
            let is_enabled = self.decide(metadata);
            let kept = self.enabled.get(metadata, || is_enabled.into());
            kept.store(is_enabled, Ordering::Relaxed);
            if is_enabled {
                self.layer().register_callsite(metadata);
            }
            Interest::always()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, ctx: LayerContext<'_, S>) -> bool {
        !self.is_filtered || self.filtered.enabled(metadata, ctx)
    }

    fn event_enabled(&self, event: &Event<'_>, ctx: LayerContext<'_, S>) -> bool {
        !self.is_filtered || self.filtered.event_enabled(event, ctx)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        if self.is_filtered {
            self.filtered.max_level_hint()
        } else {
            None
        }
    }

    #[inline]
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: LayerContext<'_, S>) {
        if self.is_filtered {
            self.filtered.on_new_span(attributes, id, ctx);
        } else if self.is_enabled(attributes.metadata()) {
            self.layer().on_new_span(attributes, id, ctx);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: LayerContext<'_, S>) {
        if self.is_filtered {
            self.filtered.on_event(event, ctx);
        } else if self.is_enabled(event.metadata()) {
            self.layer().on_event(event, ctx);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: LayerContext<'_, S>) {
        self.layer().on_record(id, values, ctx);
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, ctx: LayerContext<'_, S>) {
        self.layer().on_follows_from(id, follows, ctx);
    }

    fn on_enter(&self, id: &Id, ctx: LayerContext<'_, S>) {
        self.layer().on_enter(id, ctx);
    }

    fn on_exit(&self, id: &Id, ctx: LayerContext<'_, S>) {
        self.layer().on_exit(id, ctx);
    }

    fn on_close(&self, id: Id, ctx: LayerContext<'_, S>) {
        self.layer().on_close(id, ctx);
    }

    // SAFETY: callers may turn the pointer into a reference of the type that `id` names, as long as they hold `self`. Each
    // pointer is to `self`, or to a value of the named type that `self` owns and never moves, or it comes from the `downcast_raw`
    // of a value that `self` owns, which gives the same promise for that value.
    #[expect(unsafe_code, reason = "the only way to answer a downcast")]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        // Asked by tracing-subscriber at each close of a span. A layer has none.
        if id == TypeId::of::<Registry>() {
            return None;
        }
        if id == TypeId::of::<Self>() {
            return Some(ptr::from_ref(self).cast());
        }
        if let Some(answers) = &self.answers {
            if id == TypeId::of::<SpanAccess>() {
                return Some(ptr::from_ref(answers.access()).cast());
            }
        }
        let filtered = if self.has_filters {
            // Also answers tracing-subscriber, which asks whether the layer has a filter, also before `on_layer`.
            unsafe { self.filtered.downcast_raw(id) }
        } else {
            unsafe { self.layer().downcast_raw(id) }
        };
        filtered.or_else(|| unsafe { self.answers.as_ref()?.subscriber().downcast_raw(id) })
    }
}

impl<L, F, S> fmt::Debug for CallsiteFiltered<L, F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallsiteFiltered").finish_non_exhaustive()
    }
}
