//! Lets tracing-opentelemetry's `OpenTelemetrySpanExt` and `get_otel_context` work on the spans of this layer.
//!
//! They look for a private type in the subscriber. Its functions look for an `OpenTelemetryLayer<S, T>` and for a subscriber `S`, and
//! read private data from the extensions of `S`'s spans. `S` and `T` can be any types. So this layer holds an
//! `OpenTelemetryLayer<Shadows, ProxyTracer>` that never sees a callback, and answers for it in `downcast_raw`. [`Shadows`] returns
//! a shadow for each span it is asked for: a span of another registry, which holds tracing-opentelemetry's data. [`ProxyTracer`]
//! starts the real span when that data becomes a span, or returns a proxy of the real span.
//!
//! A span has a shadow only if the extension trait is used on it.

use std::any::{TypeId, type_name};
use std::borrow::Cow;
use std::cell::Cell;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::SystemTime;

use opentelemetry::trace::{Span, SpanBuilder, SpanContext, Status, TraceContextExt as _, Tracer};
use opentelemetry::{Context, KeyValue};
use otel_core::span_access::SpanAccess;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Interest, LevelFilter, Metadata, Subscriber};
use tracing_opentelemetry::{OpenTelemetryLayer, get_otel_context};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context as LayerContext, Layered};
use tracing_subscriber::registry::{Data, LookupSpan, Registry};

use crate::layer::SpanLayer;
use crate::spans::{self, Changes, Spans};
use crate::state::{Kind, OtelSpan, Started};

type Inner<S> = OpenTelemetryLayer<Shadows<S>, ProxyTracer<S>>;

/// tracing-opentelemetry's layer on a subscriber of its own.
pub(crate) struct DropIn<S>(Layered<Inner<S>, Shadows<S>>);

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
        Self(inner.with_subscriber(Shadows::new(spans)))
    }

    /// Frees the shadow of a span that has ended.
    #[cold]
    pub(crate) fn free(&self, id: &Id, shadow: Id) {
        // Takes tracing-opentelemetry's data out of the shadow, which can then be used again.
        let lookup = Lookup::of_shadow(&shadow, id);
        self.0.try_close(shadow.clone());
        drop(lookup);
        if let Some(shadows) = self.0.downcast_ref::<Shadows<S>>() {
            lock(&shadows.free).push(shadow);
        }
    }
}

/// What this thread means by the id of a span, until this is dropped.
///
/// tracing-opentelemetry's callbacks run on shadows. All other look-ups are of real spans.
struct Lookup(Option<(u64, u64)>);

impl Lookup {
    fn of_shadow(shadow: &Id, real: &Id) -> Self {
        Self(SHADOW_AND_REAL.replace(Some((shadow.into_u64(), real.into_u64()))))
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        SHADOW_AND_REAL.set(self.0);
    }
}

thread_local! {
    static SHADOW_AND_REAL: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
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
    /// Returns `None` for a span that this thread starts: tracing-opentelemetry holds a lock on its data then.
    fn shadow(&self, id: &Id) -> Option<Id> {
        if spans::is_starting_span(id) {
            return None;
        }
        let dispatch = self.spans.dispatch()?;
        let subscriber = dispatch.downcast_ref::<S>()?;
        let span = subscriber.span(id)?;
        if let Some(shadow) = span.extensions().get::<OtelSpan>()?.shadow() {
            return Some(shadow);
        }
        let making = lock(&self.making);
        let parent = loop {
            let extensions = span.extensions();
            let otel = extensions.get::<OtelSpan>()?;
            if let Some(shadow) = otel.shadow() {
                return Some(shadow);
            }
            if let Some(context) = otel.context_for_shadow() {
                break context;
            }
            if spans::is_starting() {
                return None;
            }
            drop(extensions);
            thread::yield_now();
        };
        let shadow = self.make(id, span.metadata(), parent, &dispatch)?;
        let has_started = match span.extensions().get::<OtelSpan>() {
            Some(otel) => otel.set_shadow(shadow.clone()),
            None => false,
        };
        drop(making);
        if has_started {
            // Makes tracing-opentelemetry ask for the span that exists. This comes back here and finds the shadow.
            get_otel_context(id, &dispatch);
        }
        Some(shadow)
    }

    /// Makes a shadow with tracing-opentelemetry's data of a span that has not started.
    fn make(
        &self,
        id: &Id,
        metadata: &'static Metadata<'static>,
        parent: Context,
        dispatch: &Dispatch,
    ) -> Option<Id> {
        let layer = dispatch.downcast_ref::<Layered<Inner<S>, Self>>()?;
        let free = lock(&self.free).pop();
        let shadow = free.unwrap_or_else(|| self.empty(metadata));
        let values = metadata.fields().value_set(&[]);
        // tracing-opentelemetry takes the active context as the parent.
        let active = parent.attach();
        let lookup = Lookup::of_shadow(&shadow, id);
        layer.new_span(&Attributes::new(metadata, &values));
        drop((lookup, active));
        Some(shadow)
    }

    fn empty(&self, metadata: &'static Metadata<'static>) -> Id {
        let values = metadata.fields().value_set(&[]);
        let attributes = Attributes::new_root(metadata, &values);
        self.registry.new_span(&attributes)
    }

    /// Returns a span without data: tracing-opentelemetry panics if it finds no span.
    fn unknown(&self, id: &Id) -> Option<&Id> {
        let dispatch = self.spans.dispatch()?;
        let metadata = dispatch.downcast_ref::<S>()?.span(id)?.metadata();
        Some(self.unknown.get_or_init(|| self.empty(metadata)))
    }
}

impl<'a, S> LookupSpan<'a> for Shadows<S>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    type Data = Data<'a>;

    fn span_data(&'a self, id: &Id) -> Option<Self::Data> {
        if let Some((shadow, _)) = SHADOW_AND_REAL.get() {
            return if shadow == id.into_u64() {
                self.registry.span_data(id)
            } else {
                None
            };
        }
        match self.shadow(id) {
            Some(shadow) => self.registry.span_data(&shadow),
            None => self.registry.span_data(self.unknown(id)?),
        }
    }
}

/// Only `new_span` and `try_close` are called, by [`Shadows::make`] and [`DropIn::free`].
impl<S: 'static> Subscriber for Shadows<S> {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        let shadow = SHADOW_AND_REAL.get().map_or(1, |(shadow, _)| shadow);
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

/// Starts the real spans for tracing-opentelemetry.
pub(crate) struct ProxyTracer<S>(Arc<Spans<S>>);

impl<S> ProxyTracer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    /// Returns the real span of this id, which starts with the changes of the builder if it has not started.
    fn start(&self, id: &Id, builder: SpanBuilder, parent: &Context) -> Option<Started> {
        let dispatch = self.0.dispatch()?;
        let span = dispatch.downcast_ref::<S>()?.span(id)?;
        let waiting = span
            .extensions()
            .get::<OtelSpan>()?
            .take_turn_through_trait();
        if let Some(waiting) = waiting {
            let changes = Changes {
                parent: Some(parent.clone()),
                builder: Some(builder),
            };
            return Some(self.0.start_now(&span, waiting, changes));
        }
        let started = self.0.start(&span)?;
        // The span has started between the first use of the trait and now.
        let Some(otel) = started.span() else {
            return Some(started);
        };
        otel.set_attributes(builder.attributes.unwrap_or_default());
        for link in builder.links.into_iter().flatten() {
            otel.add_link(link.span_context, link.attributes);
        }
        for event in builder.events.into_iter().flatten() {
            otel.add_event_with_timestamp(event.name, event.timestamp, event.attributes);
        }
        Some(started.clone())
    }
}

impl<S> Tracer for ProxyTracer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    type Span = ProxySpan;

    /// Makes a builder whose name is the id of the real span.
    fn span_builder<T: Into<Cow<'static, str>>>(&self, name: T) -> SpanBuilder {
        match SHADOW_AND_REAL.get() {
            Some((_, real)) => SpanBuilder::from_name(real.to_string()),
            None => SpanBuilder::from_name(name),
        }
    }

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> ProxySpan {
        let id = builder.name.parse().ok().map(Id::from_non_zero_u64);
        let started = id.and_then(|id| self.start(&id, builder, parent));
        ProxySpan::new(started.unwrap_or_else(|| Started {
            context: parent.clone(),
            kind: Kind::Parent,
        }))
    }
}

/// Forwards to a span in a context.
#[derive(Debug)]
pub(crate) struct ProxySpan {
    started: Started,
    ids: SpanContext,
}

impl ProxySpan {
    fn new(started: Started) -> Self {
        let ids = started.context.span().span_context().clone();
        Self { started, ids }
    }
}

impl Span for ProxySpan {
    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        if let Some(span) = self.started.span() {
            span.add_event_with_timestamp(name, timestamp, attributes);
        }
    }

    fn span_context(&self) -> &SpanContext {
        &self.ids
    }

    fn is_recording(&self) -> bool {
        self.started.span().is_some_and(|span| span.is_recording())
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        if let Some(span) = self.started.span() {
            span.set_attribute(attribute);
        }
    }

    fn set_status(&mut self, status: Status) {
        if let Some(span) = self.started.span() {
            span.set_status(status);
        }
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, name: T) {
        if let Some(span) = self.started.span() {
            span.update_name(name);
        }
    }

    fn add_link(&mut self, ids: SpanContext, attributes: Vec<KeyValue>) {
        if let Some(span) = self.started.span() {
            span.add_link(ids, attributes);
        }
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        if self.started.kind == Kind::Own {
            self.started.context.span().end_with_timestamp(timestamp);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

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
        self.is_filtered = has_filters::<S>();
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
        let drop_in: &dyn Subscriber = &self.drop_in.0;
        // The filter answers the registry, which asks whether a layer has a filter.
        let filter = if self.is_filtered {
            unsafe { self.filtered.downcast_raw(id) }
        } else {
            None
        };
        filter.or_else(|| unsafe { drop_in.downcast_raw(id) })
    }
}

/// `tracing_subscriber::fmt().finish()` has no filters for single layers, and panics if a layer asks for one.
fn has_filters<S>() -> bool {
    !type_name::<S>().contains("tracing_subscriber::fmt::Subscriber<")
}
