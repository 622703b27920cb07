//! What a subscriber calls on the layer. The only file with unsafe code.

use std::any::TypeId;
use std::ptr;

use otel_core::span_access::SpanAccess;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Interest, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context as LayerContext;
use tracing_subscriber::registry::LookupSpan;

use crate::layer::SpanLayer;

// The calls that only concern spans of this layer go past its filter: a span that the filter has disabled has no data here. That
// spares a look-up of the span for each call.
impl<S> Layer<S> for SpanLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.spans().set_dispatch(dispatch);
    }

    fn on_layer(&mut self, subscriber: &mut S) {
        if self.is_filtered {
            self.filtered.on_layer(subscriber);
        }
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.is_filtered {
            self.filtered.register_callsite(metadata)
        } else {
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

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: LayerContext<'_, S>) {
        if self.is_filtered {
            self.filtered.on_new_span(attributes, id, ctx);
        } else if self.is_enabled(attributes.metadata()) {
            self.recorder().on_new_span(attributes, id, ctx);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: LayerContext<'_, S>) {
        if self.is_filtered {
            self.filtered.on_event(event, ctx);
        } else if self.is_enabled(event.metadata()) {
            self.recorder().on_event(event, ctx);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: LayerContext<'_, S>) {
        self.recorder().on_record(id, values, ctx);
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, ctx: LayerContext<'_, S>) {
        self.recorder().on_follows_from(id, follows, ctx);
    }

    fn on_enter(&self, id: &Id, ctx: LayerContext<'_, S>) {
        self.recorder().on_enter(id, ctx);
    }

    fn on_exit(&self, id: &Id, ctx: LayerContext<'_, S>) {
        self.recorder().on_exit(id, ctx);
    }

    fn on_close(&self, id: Id, ctx: LayerContext<'_, S>) {
        if let Some(shadow) = self.recorder().close(&id, &ctx) {
            self.drop_in.free(&id, shadow);
        }
    }

    // SAFETY: callers may turn the pointer into a reference of the type that `id` names, as long as they hold `self`. Each
    // pointer is to `self` or to a field of `self` whose type is the one that `id` names. The last one comes from the
    // `downcast_raw` of a field, which gives the same promise for that field.
    #[expect(unsafe_code, reason = "the only way to answer a downcast")]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() {
            return Some(ptr::from_ref(self).cast());
        }
        if id == TypeId::of::<SpanAccess>() {
            return Some(ptr::from_ref(&self.access).cast());
        }
        let drop_in = self.drop_in.subscriber();
        // The filter answers the registry, which asks whether a layer has a filter.
        let filter = if self.is_filtered {
            unsafe { self.filtered.downcast_raw(id) }
        } else {
            None
        };
        filter.or_else(|| unsafe { drop_in.downcast_raw(id) })
    }
}
