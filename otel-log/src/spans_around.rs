//! The spans around an event: those of the subscriber, then those that were carried to the work in which the event happens.

use std::sync::Arc;

use otel_core::span_fields::{
    KeptField, SpanFields,
    carried_spans::{Active, CarriedSpans},
};
use tracing_core::{Dispatch, Event, Metadata, Subscriber, span::Id};
use tracing_subscriber::{
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

use crate::template::Template;

/// Visits the spans around an event, the innermost first, with their fields. `visit` returns `false` to stop.
#[inline]
pub(crate) fn visit<S>(
    event: &Event<'_>,
    ctx: &Context<'_, S>,
    template: &Template,
    mut visit: impl FnMut(&'static Metadata<'static>, &[KeptField]) -> bool,
) where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut walk = Walk::new(event.is_contextual());
    for span in ctx.event_scope(event).into_iter().flatten() {
        let extensions = span.extensions();
        let fields = extensions.get::<SpanFields>();
        if !walk.enters(&span.id(), fields) {
            break;
        }
        let kept = fields.map(SpanFields::kept).unwrap_or_default();
        if !visit(span.metadata(), kept) {
            return;
        }
    }
    let Some(carried) = walk.carried() else {
        return;
    };
    for span in carried.iter() {
        let is_visible = template.has_span_plan(span.metadata());
        if is_visible && !visit(span.metadata(), span.fields()) {
            return;
        }
    }
}

/// Visits the spans around an event, the outermost first, with their fields.
pub(crate) fn visit_from_root<S>(
    event: &Event<'_>,
    ctx: &Context<'_, S>,
    template: &Template,
    mut visit: impl FnMut(&'static Metadata<'static>, &[KeptField]),
) where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut walk = Walk::new(event.is_contextual());
    let around = ctx.event_scope(event).into_iter().flatten();
    let spans: Vec<SpanRef<'_, S>> = around
        .take_while(|span| walk.enters(&span.id(), span.extensions().get()))
        .collect();
    if let Some(carried) = walk.carried() {
        let carried: Vec<_> = carried.iter().collect();
        for span in carried.into_iter().rev() {
            if template.has_span_plan(span.metadata()) {
                visit(span.metadata(), span.fields());
            }
        }
    }
    for span in spans.into_iter().rev() {
        let extensions = span.extensions();
        let fields = extensions.get::<SpanFields>();
        let kept = fields.map(SpanFields::kept).unwrap_or_default();
        visit(span.metadata(), kept);
    }
}

/// Reads a span and the spans around it, for work that is handed over. Returns `None` if the dispatch has another subscriber.
pub(crate) fn read<S>(dispatch: &Dispatch, id: &Id) -> Option<CarriedSpans>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut walk = Walk::new(true);
    let mut spans = CarriedSpans::default();
    for span in dispatch.downcast_ref::<S>()?.span(id)?.scope() {
        let extensions = span.extensions();
        let fields = extensions.get::<SpanFields>();
        if !walk.enters(&span.id(), fields) {
            break;
        }
        let kept = fields.map(SpanFields::kept).unwrap_or_default();
        spans.push(span.metadata(), kept);
    }
    if let Some(carried) = walk.carried() {
        spans.set_around(&carried);
    }
    Some(spans)
}

/// A walk from a span outwards, which ends where carried work begins.
struct Walk {
    active: Option<Active>,
    carried: Option<Arc<CarriedSpans>>,
    has_fields: bool,
}

impl Walk {
    #[inline]
    fn new(is_contextual: bool) -> Self {
        Self {
            active: if is_contextual { Active::get() } else { None },
            carried: None,
            has_fields: false,
        }
    }

    /// Returns `true` if the span belongs to the walk, and `false` if the walk ends before the span.
    #[inline]
    fn enters(&mut self, id: &Id, fields: Option<&SpanFields>) -> bool {
        self.has_fields |= fields.is_some();
        let carried = fields.and_then(SpanFields::carried);
        if self.active.is_none() && self.carried.is_none() && carried.is_none() {
            return true;
        }
        self.enters_carried(id, carried)
    }

    #[cold]
    fn enters_carried(&mut self, id: &Id, carried: Option<&Arc<CarriedSpans>>) -> bool {
        match (&self.carried, carried) {
            (None, None) => {
                let active = self.active.as_ref();
                let end = active.filter(|active| active.is_outside(id));
                self.carried = end.map(|active| Arc::clone(active.spans()));
                self.carried.is_none()
            }
            (None, Some(carried)) => {
                self.carried = Some(Arc::clone(carried));
                true
            }
            (Some(known), Some(carried)) => Arc::ptr_eq(known, carried),
            (Some(_), None) => false,
        }
    }

    /// Returns the carried spans around the spans of the walk.
    #[inline]
    fn carried(self) -> Option<Arc<CarriedSpans>> {
        let Self {
            active,
            carried,
            has_fields,
        } = self;
        // Without a span of the work that this layer sees, the work itself is directly around.
        let active = active.filter(|_| !has_fields);
        carried.or_else(|| active.map(|active| Arc::clone(active.spans())))
    }
}
