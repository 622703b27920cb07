//! The data of the record layer in a span: the values of its fields.

use opentelemetry::logs::AnyValue;
use tracing_core::field::Field;

use super::any_value::any_value;
use crate::{
    config::VALUE_LIMIT,
    span_data::SpanData,
    value::{FieldSink, Value},
};

/// The index of each field in the callsite, and its value, without the settings of any layer: secrets are redacted, and values
/// cut to the layer's limit, when a record is made.
#[derive(Debug, Default)]
pub(super) struct SpanValues(Vec<(usize, AnyValue)>);

impl SpanValues {
    /// Returns the fields in the order in which they were recorded.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &AnyValue)> {
        self.0.iter().map(|(index, value)| (*index, value))
    }

    fn set(&mut self, index: usize, value: AnyValue) {
        self.0.retain(|(known, _)| *known != index);
        self.0.push((index, value));
    }
}

impl FieldSink for SpanValues {
    fn field(&mut self, field: &Field, value: Value<'_>) {
        self.set(field.index(), any_value(value, VALUE_LIMIT));
    }
}

impl SpanData for SpanValues {
    fn with_capacity(fields: usize) -> Self {
        Self(Vec::with_capacity(fields))
    }

    fn merge(&mut self, newer: Self) {
        for (index, value) in newer.0 {
            self.set(index, value);
        }
    }
}
