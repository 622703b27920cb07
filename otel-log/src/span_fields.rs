//! Puts the fields of a span into its extensions, unless another layer has done so.

use otel_core::{
    span_access::is_handing_over,
    span_fields::{Owner, SpanFields},
};
use tracing_core::span::{Attributes, Record};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// Keeps the fields that a span is created with. If another layer keeps them already, they are not read.
pub(crate) fn on_new_span<'s, R: LookupSpan<'s>>(
    owner: Owner,
    span: &SpanRef<'s, R>,
    attributes: &Attributes<'_>,
) {
    if span.extensions().get::<SpanFields>().is_some() {
        return;
    }
    // Made before the extensions are locked: a `Debug` may log, and then a layer reads the extensions.
    let new = if is_handing_over() {
        SpanFields::without_fields(owner)
    } else {
        SpanFields::from_attributes(owner, attributes)
    };
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
