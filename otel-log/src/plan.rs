//! What is decided once for each callsite: under which key each of its fields is written, if at all.

use std::sync::atomic::AtomicU64;

use tracing_core::{Metadata, field::Field};

use crate::{json, names, template::Template};

/// The decisions for the fields of one callsite, in the callsite's order.
#[derive(Debug)]
pub(crate) struct Plan {
    fields: Box<[FieldPlan]>,
    /// The bits of all names: most pairs of callsites share none, and then need no comparison.
    bits: u64,
    /// Lines of the running second, for [`rate_limit`](crate::rate_limit).
    pub(crate) rate: AtomicU64,
}

/// What becomes of one field.
#[derive(Debug)]
pub(crate) struct FieldPlan {
    pub(crate) name: &'static str,
    /// `,"name":`, ready to be copied.
    pub(crate) key: Box<[u8]>,
    pub(crate) treatment: Treatment,
    bit: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    Write,
    Redact,
    LeaveOut,
    /// The text of an event, which stands outside of any object of fields.
    Message,
}

impl Plan {
    /// `of_log_crate`: tracing-log carries target and place of a record in fields, and the line has them from the record.
    pub(crate) fn of_event(
        metadata: &'static Metadata<'static>,
        template: &Template,
        of_log_crate: bool,
    ) -> Self {
        Self::new(metadata, template, |name| {
            if name == MESSAGE {
                Treatment::Message
            } else if of_log_crate && name.starts_with("log.") {
                Treatment::LeaveOut
            } else {
                template.treatment(name)
            }
        })
    }

    pub(crate) fn of_span(metadata: &'static Metadata<'static>, template: &Template) -> Self {
        Self::new(metadata, template, |name| {
            if OTEL_CONTROL_FIELDS.contains(&name) {
                Treatment::LeaveOut
            } else {
                template.treatment(name)
            }
        })
    }

    fn new(
        metadata: &'static Metadata<'static>,
        template: &Template,
        treatment: impl Fn(&str) -> Treatment,
    ) -> Self {
        let mut fields: Vec<FieldPlan> = Vec::with_capacity(metadata.fields().len());
        for field in metadata.fields() {
            let name = names::plain(field.name());
            // The first of two equal names stays.
            let is_double = fields.iter().any(|earlier| earlier.name == name);
            let treatment = if is_double {
                Treatment::LeaveOut
            } else {
                treatment(name)
            };
            let key = match treatment {
                Treatment::Message => template.message_key(),
                _ => template.field_key(name),
            };
            fields.push(FieldPlan {
                name,
                key: key.into(),
                treatment,
                bit: bit_of(name),
            });
        }
        let written = fields.iter().filter(|field| {
            field.treatment == Treatment::Write || field.treatment == Treatment::Redact
        });
        Self {
            bits: written.fold(0, |bits, field| bits | field.bit),
            fields: fields.into(),
            rate: AtomicU64::new(0),
        }
    }

    pub(crate) fn of(&self, field: &Field) -> Option<&FieldPlan> {
        self.at(field.index())
    }

    pub(crate) fn at(&self, index: usize) -> Option<&FieldPlan> {
        self.fields.get(index)
    }

    /// Whether a field of this name is written for this callsite.
    pub(crate) fn has(&self, other: &FieldPlan) -> bool {
        self.bits & other.bit != 0
            && self
                .fields
                .iter()
                .any(|field| field.name == other.name && field.is_written())
    }
}

impl FieldPlan {
    fn is_written(&self) -> bool {
        matches!(self.treatment, Treatment::Write | Treatment::Redact)
    }

    /// Appends the key, and the value that `write` makes unless it is a secret.
    pub(crate) fn write(&self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        out.extend_from_slice(&self.key);
        self.write_value(out, write);
    }

    pub(crate) fn write_value(&self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        if self.treatment == Treatment::Redact {
            json::string(out, crate::secret::REDACTED, usize::MAX);
        } else {
            write(out);
        }
    }
}

/// One of 64, by length and both ends: enough to tell most names apart.
fn bit_of(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let end = |byte: Option<&u8>| u64::from(byte.copied().unwrap_or_default());
    let sum = end(bytes.first()) * 7 + end(bytes.last()) * 31 + bytes.len() as u64;
    1 << (sum % 64)
}

const MESSAGE: &str = "message";

/// Orders to tracing-opentelemetry rather than facts about the span.
const OTEL_CONTROL_FIELDS: [&str; 4] = [
    "otel.name",
    "otel.kind",
    "otel.status_code",
    "otel.status_description",
];
