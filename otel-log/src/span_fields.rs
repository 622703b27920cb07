//! The data of the line layer in a span: its fields as JSON values, and whether it was entered.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use tracing_core::field::Field;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::{
    json,
    span_data::SpanData,
    value::{FieldSink, Value},
};

/// The fields of a span as JSON values, without the settings of any layer: names, secrets and limits are applied when a line
/// is written.
#[derive(Debug, Default)]
pub(crate) struct SpanFields {
    is_entered: AtomicBool,
    /// The JSON values one after the other, which costs fewer allocations than one buffer for each.
    values: Vec<u8>,
    /// The index of each field in the callsite, and the range of its value.
    fields: Vec<(usize, Range<usize>)>,
}

impl SpanFields {
    /// Notes that the span was entered. Its ids can be read from then on.
    pub(crate) fn on_enter<'s, R: LookupSpan<'s>>(span: &SpanRef<'s, R>) {
        if let Some(fields) = span.extensions().get::<Self>() {
            return fields.is_entered.store(true, Ordering::Relaxed);
        }
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<Self>() {
            Some(fields) => fields.is_entered.store(true, Ordering::Relaxed),
            None => extensions.insert(Self {
                is_entered: AtomicBool::new(true),
                ..Self::default()
            }),
        }
    }

    /// Whether the span was ever entered.
    pub(crate) fn is_entered(&self) -> bool {
        self.is_entered.load(Ordering::Relaxed)
    }

    /// Returns the fields in the order in which they were recorded: the index in the callsite and the JSON value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.fields
            .iter()
            .filter_map(|(index, range)| Some((*index, self.values.get(range.clone())?)))
    }

    fn set(&mut self, index: usize, write: impl FnOnce(&mut Vec<u8>)) {
        self.remove(index);
        let start = self.values.len();
        write(&mut self.values);
        self.fields.push((index, start..self.values.len()));
    }

    /// Removes a field and its value. A span may record the same field again and again, which must not take more memory.
    fn remove(&mut self, index: usize) {
        let Some(place) = self.fields.iter().position(|(known, _)| *known == index) else {
            return;
        };
        let (_, range) = self.fields.remove(place);
        for (_, later) in self.fields.iter_mut().skip(place) {
            *later = later.start - range.len()..later.end - range.len();
        }
        self.values.drain(range);
    }
}

impl FieldSink for SpanFields {
    fn field(&mut self, field: &Field, value: Value<'_>) {
        self.set(field.index(), |out| json::value(out, value, MAX_KEPT));
    }
}

impl SpanData for SpanFields {
    fn with_capacity(fields: usize) -> Self {
        Self {
            values: Vec::with_capacity(fields * 16),
            fields: Vec::with_capacity(fields),
            ..Self::default()
        }
    }

    fn merge(&mut self, newer: Self) {
        for (index, value) in newer.iter() {
            self.set(index, |out| out.extend_from_slice(value));
        }
    }
}

/// The most bytes of a value that are kept while its span lives. No layer's limit of a value is higher.
pub(crate) const MAX_KEPT: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_recorded_again_takes_no_more_room() {
        let mut fields = SpanFields::default();
        fields.set(0, |out| out.extend_from_slice(b"1"));
        fields.set(1, |out| out.extend_from_slice(b"\"two\""));
        for round in 0..1000 {
            fields.set(0, |out| {
                out.extend_from_slice(format!("{round:05}").as_bytes());
            });
        }
        let listed: Vec<_> = fields.iter().collect();
        assert_eq!(listed, [(1, &b"\"two\""[..]), (0, &b"00999"[..])]);
        assert_eq!(fields.values.len(), 10);
    }
}
