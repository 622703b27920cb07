//! What is kept with a span: its fields as JSON values, and whether it was entered.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use tracing_core::span::{Attributes, Record};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::visit::{Target, Visitor};

/// Kept in the extensions of each span. All instances of the layer share the one that came first: the values do not
/// depend on how an instance is set up.
#[derive(Debug, Default)]
pub(crate) struct SpanFields {
    entered: AtomicBool,
    /// The values as JSON, one after the other, so that a span costs few allocations.
    values: Vec<u8>,
    fields: Vec<(&'static str, Range<usize>)>,
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
        let mut new = Visitor(Self::default());
        attributes.record(&mut new);
        let mut extensions = span.extensions_mut();
        if extensions.get_mut::<Self>().is_none() {
            extensions.insert(new.0);
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

    /// The fields in the order in which they were recorded, each with its JSON value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.fields
            .iter()
            .filter_map(|(name, range)| Some((*name, self.values.get(range.clone())?)))
    }

    fn merge(&mut self, newer: &Self) {
        for (name, value) in newer.iter() {
            self.set(name, |out| out.extend_from_slice(value));
        }
    }

    fn set(&mut self, name: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        self.remove(name);
        let start = self.values.len();
        write(&mut self.values);
        self.fields.push((name, start..self.values.len()));
    }

    /// Gives the room back too, since a span may record the same field for as long as it lives.
    fn remove(&mut self, name: &'static str) {
        let Some(index) = self.fields.iter().position(|(known, _)| *known == name) else {
            return;
        };
        let (_, range) = self.fields.remove(index);
        for (_, later) in self.fields.iter_mut().skip(index) {
            *later = later.start - range.len()..later.end - range.len();
        }
        self.values.drain(range);
    }
}

impl Target for SpanFields {
    fn field(&mut self, name: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        if !OTEL_CONTROL_FIELDS.contains(&name) {
            self.set(name, write);
        }
    }
}

/// Orders to tracing-opentelemetry rather than facts about the span.
const OTEL_CONTROL_FIELDS: [&str; 4] = [
    "otel.name",
    "otel.kind",
    "otel.status_code",
    "otel.status_description",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(fields: &SpanFields) -> Vec<(&'static str, String)> {
        fields
            .iter()
            .map(|(name, value)| (name, String::from_utf8_lossy(value).into_owned()))
            .collect()
    }

    #[test]
    fn a_field_recorded_again_takes_no_more_room() {
        let mut fields = SpanFields::default();
        fields.field("a", |out| out.extend_from_slice(b"1"));
        fields.field("b", |out| out.extend_from_slice(b"\"two\""));
        for round in 0..1000 {
            fields.field("a", |out| {
                out.extend_from_slice(format!("{round:05}").as_bytes());
            });
        }
        assert_eq!(
            listed(&fields),
            [("b", "\"two\"".to_owned()), ("a", "00999".to_owned())]
        );
        assert_eq!(fields.values.len(), 10);
    }

    #[test]
    fn control_fields_are_left_out() {
        let mut fields = SpanFields::default();
        for name in [
            "otel.name",
            "otel.kind",
            "otel.status_code",
            "otel.status_description",
            "otel.other",
        ] {
            fields.field(name, |out| out.extend_from_slice(b"1"));
        }
        assert_eq!(listed(&fields), [("otel.other", "1".to_owned())]);
    }
}
