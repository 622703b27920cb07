//! The subscriber on which tracing-opentelemetry's layer finds its data.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use opentelemetry::Context;
use otel_core::span_access::SpanAccess;
use otel_core::span_fields::{Shadow, SpanFields};
use tracing_core::callsite::Callsite;
use tracing_core::metadata::Kind;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Interest, Level, Metadata, Subscriber, metadata};
use tracing_opentelemetry::{OpenTelemetryLayer, get_otel_context};
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::Layered;
use tracing_subscriber::registry::{Data, LookupSpan, Registry, SpanRef};

use super::lookup::{Lookup, shadow_and_real};
use super::proxy::ProxyTracer;
use crate::callsite_filtered::Answers;
use crate::spans::{self, Spans};

type Inner<S> = OpenTelemetryLayer<Shadows<S>, ProxyTracer<S>>;

/// The layer of tracing-opentelemetry on a subscriber of its own.
pub(crate) struct DropIn<S> {
    layer: Layered<Inner<S>, Shadows<S>>,
    access: SpanAccess,
}

impl<S> DropIn<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    pub(crate) fn new(spans: Arc<Spans<S>>) -> Self {
        let inner = OpenTelemetryLayer::new(ProxyTracer(Arc::clone(&spans)))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false);
        Self {
            access: SpanAccess::new(Arc::<Spans<S>>::clone(&spans)),
            layer: inner.with_subscriber(Shadows::new(spans)),
        }
    }

    /// Frees the shadow of a span that has ended.
    #[cold]
    pub(crate) fn free(&self, id: &Id, shadow: Id) {
        free(&self.layer, id, shadow);
    }
}

impl<S> Answers for DropIn<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn access(&self) -> &SpanAccess {
        &self.access
    }

    fn subscriber(&self) -> &dyn Subscriber {
        &self.layer
    }
}

/// The subscriber that tracing-opentelemetry's layer believes to be on. It returns the shadows of the spans of `S`.
pub(crate) struct Shadows<S> {
    spans: Arc<Spans<S>>,
    registry: Registry,
    /// Shadows that can be used again. They are never closed: the registry counts the spans that a thread closes, and does not
    /// tell registries apart, so a shadow that is closed within `on_close` of a real span would stay for ever.
    free: Mutex<Vec<Id>>,
    /// The shadow of all spans that the layer does not see.
    unknown: OnceLock<Id>,
    making: Mutex<()>,
}

impl<S> Shadows<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn new(spans: Arc<Spans<S>>) -> Self {
        let mut registry = Registry::default();
        // Otherwise a debug assertion fails if the filter state of the thread, which all registries share, is not empty.
        registry.register_filter();
        Self {
            spans,
            registry,
            free: Mutex::default(),
            unknown: OnceLock::new(),
            making: Mutex::default(),
        }
    }

    /// Returns the shadow of a real span, which is made at the first call.
    ///
    /// If a filter hides the span from the layer, this is the shadow of the nearest span around it that the layer sees.
    /// Returns `None` for a span that this thread starts: tracing-opentelemetry holds a lock on its data then.
    fn shadow(&self, id: &Id) -> Option<Id> {
        let dispatch = self.spans.dispatch()?;
        let subscriber = dispatch.downcast_ref::<S>()?;
        let mut around = subscriber.span(id)?.scope();
        let span = around.find(|span| span.extensions().get().is_some_and(is_seen))?;
        if spans::is_starting_span(&span.id()) {
            return None;
        }
        loop {
            match self.look_up(&span)? {
                Shadow::Made(shadow) => return Some(shadow),
                Shadow::Missing(_) => {}
                Shadow::Refused => return None,
                // The span may be one that this thread starts further out.
                Shadow::Later if spans::is_starting() => return None,
                Shadow::Later => {
                    thread::yield_now();
                    continue;
                }
            }
            let layer = dispatch.downcast_ref::<Layered<Inner<S>, Self>>()?;
            // Locked only while no other thread starts the span: that thread may come here for another span.
            let _making = lock(&self.making);
            if let Shadow::Missing(context) = self.look_up(&span)? {
                let shadow = self.make(&span.id(), span.metadata(), context, layer);
                let extensions = span.extensions();
                let otel = extensions.get().and_then(SpanFields::otel)?;
                if !otel.set_shadow(shadow.clone()) {
                    free(layer, &span.id(), shadow);
                    return None;
                }
                if otel.is_waiting() {
                    return Some(shadow);
                }
                break;
            }
        }
        // Makes tracing-opentelemetry ask for the span that exists. This comes back here and finds the shadow.
        get_otel_context(&span.id(), &dispatch);
        self.shadow(id)
    }

    fn look_up(&self, span: &SpanRef<'_, S>) -> Option<Shadow> {
        let extensions = span.extensions();
        Some(extensions.get().and_then(SpanFields::otel)?.shadow())
    }

    /// Makes a shadow with tracing-opentelemetry's data of a span that has not started.
    fn make(
        &self,
        id: &Id,
        metadata: &'static Metadata<'static>,
        parent: Context,
        layer: &Layered<Inner<S>, Self>,
    ) -> Id {
        let free = lock(&self.free).pop();
        let shadow = free.unwrap_or_else(|| self.empty(metadata));
        let values = metadata.fields().value_set(&[]);
        // tracing-opentelemetry takes the active context as the parent.
        let active = parent.attach();
        let lookup = Lookup::of_shadow(&shadow, id);
        layer.new_span(&Attributes::new(metadata, &values));
        drop((lookup, active));
        shadow
    }

    fn empty(&self, metadata: &'static Metadata<'static>) -> Id {
        let values = metadata.fields().value_set(&[]);
        let attributes = Attributes::new_root(metadata, &values);
        self.registry.new_span(&attributes)
    }

    /// Returns a span without data: tracing-opentelemetry panics if it finds no span.
    fn unknown(&self) -> &Id {
        self.unknown.get_or_init(|| self.empty(&UNKNOWN))
    }
}

/// Takes tracing-opentelemetry's data out of a shadow, which can then be used again.
fn free<S>(layer: &Layered<Inner<S>, Shadows<S>>, id: &Id, shadow: Id)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let lookup = Lookup::of_shadow(&shadow, id);
    layer.try_close(shadow.clone());
    drop(lookup);
    if let Some(shadows) = layer.downcast_ref::<Shadows<S>>() {
        lock(&shadows.free).push(shadow);
    }
}

/// Describes the shadow of spans that the layer does not see.
static UNKNOWN: Metadata<'static> = metadata! {
    name: "unknown",
    target: module_path!(),
    level: Level::INFO,
    fields: &[],
    callsite: &UnknownCallsite,
    kind: Kind::SPAN,
};

struct UnknownCallsite;

impl Callsite for UnknownCallsite {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &UNKNOWN
    }
}

impl<'a, S> LookupSpan<'a> for Shadows<S>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    type Data = Data<'a>;

    fn span_data(&'a self, id: &Id) -> Option<Self::Data> {
        if let Some((shadow, _)) = shadow_and_real() {
            return if shadow == id.into_u64() {
                self.registry.span_data(id)
            } else {
                None
            };
        }
        match self.shadow(id) {
            Some(shadow) => self.registry.span_data(&shadow),
            None => self.registry.span_data(self.unknown()),
        }
    }
}

/// Only `new_span` and `try_close` are called, by [`Shadows::make`] and [`DropIn::free`].
impl<S: 'static> Subscriber for Shadows<S> {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        let shadow = shadow_and_real().map_or(1, |(shadow, _)| shadow);
        Id::from_u64(shadow)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}

    fn try_close(&self, _: Id) -> bool {
        true
    }
}

fn is_seen(fields: &SpanFields) -> bool {
    fields.otel().is_some()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
