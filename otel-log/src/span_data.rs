//! Keeps data of a layer in the extensions of a span, once for all instances of the layer.

use tracing_core::span::{Attributes, Record};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::value::{FieldSink, Visitor};

/// The fields of a span as a layer keeps them.
pub(crate) trait SpanData: FieldSink + Default + Send + Sync + 'static {
    /// Returns data without fields, with memory for this number of fields.
    fn with_capacity(fields: usize) -> Self;

    /// Adds fields that were recorded later. The last value of a field counts.
    fn merge(&mut self, newer: Self);

    /// Keeps the fields that a span is created with.
    fn on_new_span<'s, R: LookupSpan<'s>>(span: &SpanRef<'s, R>, attributes: &Attributes<'_>) {
        if span.extensions().get::<Self>().is_some() {
            return;
        }
        // Formatted before the extensions are locked: a `Debug` may log, and the log layer then reads the extensions.
        let mut new = Visitor(Self::with_capacity(attributes.values().len()));
        attributes.record(&mut new);
        let mut extensions = span.extensions_mut();
        if extensions.get_mut::<Self>().is_none() {
            extensions.insert(new.0);
        }
    }

    /// Keeps the fields that are recorded for an existing span.
    fn on_record<'s, R: LookupSpan<'s>>(span: &SpanRef<'s, R>, values: &Record<'_>) {
        let mut new = Visitor(Self::default());
        values.record(&mut new);
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<Self>() {
            Some(kept) => kept.merge(new.0),
            // A layer that `reload` adds meets spans that are older than itself.
            None => extensions.insert(new.0),
        }
    }
}
