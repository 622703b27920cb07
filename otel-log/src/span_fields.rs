//! Puts the fields of a span into its extensions, unless another layer has done so.

use otel_core::{
    span_access::is_handing_over,
    span_fields::{
        Owner, SpanFields,
        carried_spans::{self, Active},
    },
};
use tracing_core::{
    Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

use crate::spans_around;

/// Registers how the spans of this subscriber are read where work is captured.
pub(crate) fn register<S: Subscriber + for<'a> LookupSpan<'a>>() {
    carried_spans::register::<S>(spans_around::read::<S>);
}

/// Keeps the fields that a span is created with. If another layer keeps them already, they are not read.
pub(crate) fn on_new_span<S>(
    owner: Owner,
    id: &Id,
    ctx: &Context<'_, S>,
    attributes: &Attributes<'_>,
) where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(span) = ctx.span(id) else {
        return;
    };
    if span.extensions().get::<SpanFields>().is_some() {
        return;
    }
    // Made before the extensions are locked: a `Debug` may log, and then a layer reads the extensions.
    let mut new = if is_handing_over() {
        SpanFields::without_fields(owner)
    } else {
        SpanFields::from_attributes(owner, attributes)
    };
    if attributes.is_contextual() {
        if let Some(active) = Active::get() {
            let parent = span.parent().map(|parent| {
                let carried = parent
                    .extensions()
                    .get()
                    .and_then(SpanFields::carried)
                    .cloned();
                (parent.id(), carried)
            });
            new.set_carried(active.into_spans_of_child(parent));
        }
    }
    span.extensions_mut().replace(new);
}

/// Keeps the fields that are recorded for an existing span, unless a layer of another kind does so.
pub(crate) fn on_record<'s, R: LookupSpan<'s>>(
    owner: Owner,
    span: &SpanRef<'s, R>,
    values: &Record<'_>,
) {
    if let Some(fields) = span.extensions().get::<SpanFields>() {
        if fields.owner() != owner {
            return;
        }
    }
    let new = SpanFields::from_record(owner, values);
    let mut extensions = span.extensions_mut();
    match extensions.get_mut::<SpanFields>() {
        Some(kept) => kept.merge(new),
        // A layer that `reload` adds meets spans that are older than the layer.
        None => extensions.insert(new),
    }
}

/// Notes that the span was entered.
pub(crate) fn on_enter<'s, R: LookupSpan<'s>>(owner: Owner, span: &SpanRef<'s, R>) {
    if let Some(fields) = span.extensions().get::<SpanFields>() {
        return fields.set_entered();
    }
    let mut extensions = span.extensions_mut();
    match extensions.get_mut::<SpanFields>() {
        Some(fields) => fields.set_entered(),
        None => {
            let fields = SpanFields::new(owner);
            fields.set_entered();
            extensions.insert(fields);
        }
    }
}
