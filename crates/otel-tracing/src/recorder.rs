//! Follows the `tracing` spans: makes, enters, changes and ends their OpenTelemetry spans.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use opentelemetry::trace::{Link, Status, TraceContextExt as _};
use opentelemetry::{Context, TraceId};
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_core::context_loss::{self, ExpectedTrace, LossKind};
use otel_core::span_fields::carried_spans::{Active, CarriedSpans};
use otel_core::span_fields::{Kind, OtelSpan, Owner, SpanFields, Started};
use otel_core::{active_context, span_access};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context as LayerContext;
use tracing_subscriber::registry::{Extensions, LookupSpan, SpanRef};

use crate::attributes::Description;
use crate::callsite_filtered::Answers as _;
use crate::drop_in::DropIn;
use crate::event::SpanEvent;
use crate::guards;
use crate::options::Options;
use crate::spans::{self, Spans};

/// The layer of [`SpanLayer`](crate::SpanLayer) without its filter.
pub struct Recorder<S> {
    spans: Arc<Spans<S>>,
    drop_in: Arc<DropIn<S>>,
    provider: SdkTracerProvider,
    layer_id: usize,
}

impl<S> Recorder<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    pub(crate) fn new(provider: SdkTracerProvider, options: Options) -> Self {
        let spans = Arc::new(Spans::new(provider.clone(), options));
        let drop_in = Arc::new(DropIn::new(Arc::clone(&spans)));
        Self {
            layer_id: drop_in.access().layer_id(),
            spans,
            drop_in,
            provider,
        }
    }

    pub(crate) fn options(&self) -> &Options {
        &self.spans.options
    }

    pub(crate) fn provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    pub(crate) fn drop_in(&self) -> &Arc<DropIn<S>> {
        &self.drop_in
    }

    /// Returns the context in which a span starts: the active context, or that of an explicit parent.
    ///
    /// If the layer does not see the explicit parent, the nearest span around it is the parent.
    fn parent(&self, attributes: &Attributes<'_>, span: &SpanRef<'_, S>) -> Context {
        if attributes.is_contextual() {
            return Context::current();
        }
        let around = span.scope().skip(1);
        let mut started = around.filter_map(|span| self.spans.start(&span));
        started.next().map(|it| it.context).unwrap_or_default()
    }

    /// Ends the span. Returns its shadow, which is to be freed.
    fn close(&self, id: &Id, ctx: &LayerContext<'_, S>) -> Option<Id> {
        let span = ctx.span(id)?;
        let (context, last_exit, shadow) = loop {
            let extensions = span.extensions();
            let otel = otel_span(&extensions)?;
            if let Some(closed) = otel.close() {
                let context = closed.started.map(|started| started.context.clone());
                break (context, otel.last_exit(), closed.shadow);
            }
            drop(extensions);
            // A span that was never entered starts here.
            self.spans.start(&span)?;
        };
        if let Some(context) = context {
            // A processor may be the application's code, and a panic while a span is dropped can end the process.
            let _ = catch_unwind(AssertUnwindSafe(|| match last_exit {
                Some(time) => context.span().end_with_timestamp(time),
                None => context.span().end(),
            }));
        }
        shadow
    }

    /// Applies fields that are recorded after the start.
    fn apply(&self, span: &SpanRef<'_, S>, fields: &SpanFields, context: &Context) {
        let plan = self.spans.plan(span.metadata());
        let description = Description::new(plan, &self.spans.options, fields.iter(), 0);
        let span = context.span();
        span.set_attributes(description.attributes);
        if let Some(name) = description.name {
            span.update_name(name);
        }
        if description.status != Status::Unset {
            span.set_status(description.status);
        }
    }

    /// Applies what an event says about the span.
    fn add_event(&self, span: &SpanRef<'_, S>, event: SpanEvent) {
        let mut event = Some(event);
        if let Some(otel) = otel_span(&span.extensions()) {
            otel.change_waiting(|waiting| {
                let Some(event) = event.take() else { return };
                waiting.attributes.extend(event.attributes);
                waiting.events.extend(event.event);
                if event.status > waiting.status {
                    waiting.status = event.status;
                }
            });
        }
        // A span that waits for its start must not start here: a later `set_parent` would fail.
        let Some(event) = event else { return };
        let Some(started) = self.spans.start(span) else {
            return;
        };
        let Some(span) = started.span() else { return };
        if started.kind == Kind::Own {
            span.set_attributes(event.attributes);
            if event.status != Status::Unset {
                span.set_status(event.status);
            }
        }
        if let Some(event) = event.event {
            span.add_event_with_timestamp(event.name, event.timestamp, event.attributes);
        }
    }
}

impl<S> Layer<S> for Recorder<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.spans.set_dispatch(dispatch);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: LayerContext<'_, S>) {
        let Some(span) = ctx.span(id).filter(|_| active_context::is_alive()) else {
            return;
        };
        let carried = if attributes.is_contextual() {
            Active::get().and_then(|active| carried_around(&span, active))
        } else {
            None
        };
        if let Some(context) = span_access::take_handed_over() {
            return insert_handed_over(&span, context, carried);
        }
        let parent = self.parent(attributes, &span);
        let skips = self.spans.options.has_parent_based_sampler;
        // If another layer comes first, it has kept the fields.
        if self.spans.comes_second.load(Ordering::Relaxed) {
            if let Some(fields) = span.extensions_mut().get_mut::<SpanFields>() {
                if let Some(expected) = ExpectedTrace::get() {
                    fields.set_expected_trace(expected);
                }
                return fields.set_otel(OtelSpan::new(parent, skips));
            }
        }
        // Read before the extensions are locked: a `Debug` may log, and a layer then reads the extensions.
        let mut fields = SpanFields::with_otel(Owner::SpanLayer, OtelSpan::new(parent, skips));
        fields.add(attributes);
        if carried.is_some() {
            fields.set_carried(carried);
        }
        if let Some(expected) = ExpectedTrace::get() {
            fields.set_expected_trace(expected);
        }
        let kept = span.extensions_mut().replace(fields); // unlocked before `keep_both` locks
        if let Some(kept) = kept {
            self.spans.comes_second.store(true, Ordering::Relaxed);
            keep_both(&span, kept);
        }
        span_access::set_newest_span(self.layer_id, id);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: LayerContext<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        let fields = SpanFields::from_record(Owner::SpanLayer, values);
        {
            let mut extensions = span.extensions_mut();
            let Some(kept) = extensions.get_mut::<SpanFields>() else {
                return;
            };
            // The span reads its fields when it starts. That takes a read lock, so it is before or after this.
            match kept.otel().map(OtelSpan::is_waiting) {
                Some(true) => return kept.merge(fields),
                Some(false) => {}
                None => return,
            }
        }
        let started = self.spans.start(&span);
        if let Some(started) = started.filter(|it| it.kind == Kind::Own) {
            self.apply(&span, &fields, &started.context);
        }
        if let Some(kept) = span.extensions_mut().get_mut::<SpanFields>() {
            if kept.owner() == Owner::SpanLayer {
                kept.merge(fields);
            }
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, ctx: LayerContext<'_, S>) {
        if !self.spans.options.links {
            return;
        }
        let (Some(span), Some(follows)) = (ctx.span(id), ctx.span(follows)) else {
            return;
        };
        // A span that a filter hides has no links, so the other span need not start.
        if otel_span(&span.extensions()).is_none() {
            return;
        }
        let Some(followed) = self.spans.start(&follows) else {
            return;
        };
        let ids = followed.context.span().span_context().clone();
        let is_waiting = otel_span(&span.extensions()).is_some_and(|otel| {
            otel.change_waiting(|waiting| {
                waiting.links.push(Link::new(ids.clone(), Vec::new(), 0));
            })
        });
        if is_waiting {
            return;
        }
        if let Some(span) = self.spans.start(&span).as_ref().and_then(Started::span) {
            span.add_link(ids, Vec::new());
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: LayerContext<'_, S>) {
        // A processor that logs while it starts a span is not part of the span around it.
        if spans::is_starting() {
            return;
        }
        let mut around = ctx.event_scope(event).into_iter().flatten();
        if let Some(span) = around.find(|span| otel_span(&span.extensions()).is_some()) {
            self.add_event(&span, SpanEvent::new(event, &self.spans.options));
        }
    }

    fn on_enter(&self, id: &Id, ctx: LayerContext<'_, S>) {
        if span_access::is_entered_without_context(id) {
            return;
        }
        let Some(span) = ctx.span(id) else { return };
        self.spans.look_for_dispatch();
        if let Some(started) = self.spans.start(&span) {
            if let Some(expected) = ExpectedTrace::get() {
                report_other_trace(&span, &started, expected);
            }
            guards::enter(id, started.context);
        }
    }

    fn on_close(&self, id: Id, ctx: LayerContext<'_, S>) {
        if let Some(shadow) = self.close(&id, &ctx) {
            self.drop_in.free(&id, shadow);
        }
    }

    fn on_exit(&self, id: &Id, ctx: LayerContext<'_, S>) {
        guards::exit(id);
        if self.spans.options.ends_at_exit {
            if let Some(span) = ctx.span(id) {
                if let Some(otel) = otel_span(&span.extensions()) {
                    otel.set_last_exit(opentelemetry::time::now());
                }
            }
        }
    }
}

/// Puts back the fields that another layer has kept.
#[cold]
fn keep_both<'a, R: LookupSpan<'a>>(span: &SpanRef<'a, R>, mut kept: SpanFields) {
    let mut extensions = span.extensions_mut();
    if let Some(own) = extensions.remove::<SpanFields>() {
        kept.take_otel_from(own);
        extensions.insert(kept);
    }
}

/// Returns the spans that were carried to the work in which the span is made.
#[cold]
fn carried_around<'a, R: LookupSpan<'a>>(
    span: &SpanRef<'a, R>,
    active: Active,
) -> Option<Arc<CarriedSpans>> {
    let parent = span.parent().map(|parent| {
        let extensions = parent.extensions();
        let carried = extensions.get().and_then(SpanFields::carried);
        (parent.id(), carried.cloned())
    });
    active.into_spans_of_child(parent)
}

fn insert_handed_over<'a, R: LookupSpan<'a>>(
    span: &SpanRef<'a, R>,
    context: Context,
    carried: Option<Arc<CarriedSpans>>,
) {
    let otel = OtelSpan::from_handed_over(context);
    let mut extensions = span.extensions_mut();
    match extensions.get_mut::<SpanFields>() {
        Some(fields) => fields.set_otel(otel),
        None => {
            let mut fields = SpanFields::without_fields(Owner::SpanLayer);
            fields.set_otel(otel);
            fields.set_carried(carried);
            extensions.insert(fields);
        }
    }
}

/// Reports a span of another trace than that of the carried work that enters it, unless the work has made the span.
#[cold]
fn report_other_trace<'a, R: LookupSpan<'a>>(
    span: &SpanRef<'a, R>,
    started: &Started,
    expected: TraceId,
) {
    let trace = started.context.span().span_context().trace_id();
    let is_other = trace != expected && trace != TraceId::INVALID;
    let is_new = is_other && {
        let extensions = span.extensions();
        let fields = extensions.get::<SpanFields>();
        fields.is_some_and(|fields| fields.set_expected_trace(expected))
    };
    // Each span once. Nothing is locked while the report is written.
    if is_new {
        let name = span.metadata().name().to_owned();
        context_loss::report(LossKind::SpanOutsideContext, name, "otel_tracing");
    }
}

#[inline]
fn otel_span<'e>(extensions: &'e Extensions<'_>) -> Option<&'e OtelSpan> {
    extensions.get().and_then(SpanFields::otel)
}

impl<S> fmt::Debug for Recorder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}
