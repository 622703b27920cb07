//! What is kept with a span for the log records in it: the values of its fields.

use opentelemetry::logs::AnyValue;
use tracing_core::{
    field::Field,
    span::{Attributes, Record},
};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::values::{Sink, Values};
use crate::config::VALUE_LIMIT;

/// Kept in the extensions of each span that has fields, with the place of each field in the callsite. All instances of
/// the layer share them: secrets are redacted, and values cut to a layer's limit, when a record is made.
#[derive(Debug, Default)]
pub(super) struct SpanValues(Vec<(usize, AnyValue)>);

impl SpanValues {
    pub(super) fn on_new_span<'s, R: LookupSpan<'s>>(
        span: &SpanRef<'s, R>,
        attributes: &Attributes<'_>,
    ) {
        if attributes.fields().is_empty() || span.extensions().get::<Self>().is_some() {
            return;
        }
        // Rendered before the extensions are locked: a `Debug` may log, and a log layer reads the extensions.
        let mut new = Values(Self::default());
        attributes.record(&mut new);
        let mut extensions = span.extensions_mut();
        if extensions.get_mut::<Self>().is_none() {
            extensions.insert(new.0);
        }
    }

    /// Adds the fields recorded later; the last value of a name counts.
    pub(super) fn on_record<'s, R: LookupSpan<'s>>(span: &SpanRef<'s, R>, values: &Record<'_>) {
        let mut new = Values(Self::default());
        values.record(&mut new);
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<Self>() {
            Some(kept) => {
                for (index, value) in new.0.0 {
                    kept.set(index, value);
                }
            }
            // A layer put in by `reload` meets spans that are older than itself.
            None => extensions.insert(new.0),
        }
    }

    /// The values in the order in which they were recorded, each with the place of its field in the callsite.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &AnyValue)> {
        self.0.iter().map(|(index, value)| (*index, value))
    }

    fn set(&mut self, index: usize, value: AnyValue) {
        self.0.retain(|(known, _)| *known != index);
        self.0.push((index, value));
    }
}

impl Sink for SpanValues {
    fn field(&mut self, field: &Field, value: impl FnOnce(usize) -> AnyValue) {
        self.set(field.index(), value(VALUE_LIMIT));
    }
}
