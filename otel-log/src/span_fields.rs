//! What is kept with a span: its fields as JSON values, and whether it was entered.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use tracing_core::{
    field::Field,
    span::{Attributes, Record},
};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::visit::{Target, Visitor};

/// Kept in the extensions of each span. All instances of the layer share the one that came first: names, secrets and
/// limits are theirs, and applied when a line is written.
#[derive(Debug, Default)]
pub(crate) struct SpanFields {
    entered: AtomicBool,
    /// The values as JSON, one after the other, so that a span costs few allocations.
    values: Vec<u8>,
    /// Each field by its place in the callsite.
    fields: Vec<(usize, Range<usize>)>,
}

impl SpanFields {
    /// Keeps the fields that a span is made with.
    pub(crate) fn on_new_span<'s, R: LookupSpan<'s>>(
        span: &SpanRef<'s, R>,
        attributes: &Attributes<'_>,
    ) {
        if span.extensions().get::<Self>().is_some() {
            return;
        }
        // Rendered before the extensions are locked: a `Debug` may log, and a log layer reads the extensions.
        let mut new = Visitor(Self::with_room_for(attributes.values().len()));
        attributes.record(&mut new);
        let mut extensions = span.extensions_mut();
        if extensions.get_mut::<Self>().is_none() {
            extensions.insert(new.0);
        }
    }

    fn with_room_for(fields: usize) -> Self {
        Self {
            values: Vec::with_capacity(fields * 16),
            fields: Vec::with_capacity(fields),
            ..Self::default()
        }
    }

    /// Adds the fields recorded later; the last value of a name counts.
    pub(crate) fn on_record<'s, R: LookupSpan<'s>>(span: &SpanRef<'s, R>, values: &Record<'_>) {
        let mut new = Visitor(Self::default());
        values.record(&mut new);
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<Self>() {
            Some(fields) => fields.merge(&new.0),
            // A layer put in by `reload` meets spans that are older than itself.
            None => extensions.insert(new.0),
        }
    }

    /// Notes that a span was entered, so that its ids may be asked for.
    pub(crate) fn on_enter<'s, R: LookupSpan<'s>>(span: &SpanRef<'s, R>) {
        if let Some(fields) = span.extensions().get::<Self>() {
            return fields.entered.store(true, Ordering::Relaxed);
        }
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<Self>() {
            Some(fields) => fields.entered.store(true, Ordering::Relaxed),
            None => extensions.insert(Self {
                entered: AtomicBool::new(true),
                ..Self::default()
            }),
        }
    }

    /// Whether the span was ever entered.
    pub(crate) fn entered(&self) -> bool {
        self.entered.load(Ordering::Relaxed)
    }

    /// The fields in the order in which they were recorded: the place of each in the callsite, and its JSON value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.fields
            .iter()
            .filter_map(|(index, range)| Some((*index, self.values.get(range.clone())?)))
    }

    fn merge(&mut self, newer: &Self) {
        for (index, value) in newer.iter() {
            self.set(index, |out| out.extend_from_slice(value));
        }
    }

    fn set(&mut self, index: usize, write: impl FnOnce(&mut Vec<u8>)) {
        self.remove(index);
        let start = self.values.len();
        write(&mut self.values);
        self.fields.push((index, start..self.values.len()));
    }

    /// Gives the room back too, since a span may record the same field for as long as it lives.
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

impl Target for SpanFields {
    fn field(&mut self, field: &Field, write: impl FnOnce(&mut Vec<u8>, usize)) {
        self.set(field.index(), |out| write(out, MAX_KEPT));
    }
}

/// What is kept of one value, for as long as its span lives. No layer's limit for a value is higher.
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
