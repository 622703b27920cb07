//! What is decided once for each callsite: under which key each of its fields is written, if at all.

use std::sync::atomic::AtomicU64;

use tracing_core::{Event, Metadata, field::Field};
use tracing_log::NormalizeEvent as _;

use crate::{format::Key, names, template::Template};

/// The decisions for the fields of one callsite, in the callsite's order.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What stands between the time and the fields of an event, unless it comes from the `log` crate: level and target.
    pub(crate) head: Box<[u8]>,
    fields: Box<[FieldPlan]>,
    /// Whether its events are records of the `log` crate.
    pub(crate) of_log_crate: bool,
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
    /// One of 64, by which most names are told apart.
    pub(crate) bit: u64,
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
    /// Decides for an event: tracing-log carries target and place of a record in fields, and the line has them from the record.
    pub(crate) fn of_event(event: &Event<'_>, template: &Template) -> Self {
        let of_log_crate = event.is_log();
        let treatment = |name: &str| {
            if name == MESSAGE && template.key(Key::Message).is_some() {
                Treatment::Message
            } else if of_log_crate && name.starts_with("log.") {
                Treatment::LeaveOut
            } else {
                template.treatment(name)
            }
        };
        let plan = Self::new(event.metadata(), template, treatment, |name| {
            template.event_key(name)
        });
        Self {
            of_log_crate,
            ..plan
        }
    }

    pub(crate) fn of_span(metadata: &'static Metadata<'static>, template: &Template) -> Self {
        let treatment = |name: &str| {
            if OTEL_CONTROL_FIELDS.contains(&name) {
                Treatment::LeaveOut
            } else {
                template.treatment(name)
            }
        };
        Self::new(metadata, template, treatment, |name| {
            template.span_key(name)
        })
    }

    fn new(
        metadata: &'static Metadata<'static>,
        template: &Template,
        treatment: impl Fn(&str) -> Treatment,
        key: impl Fn(&str) -> Vec<u8>,
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
                Treatment::Message => template.key(Key::Message).unwrap_or_default().to_vec(),
                _ => key(name),
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
            of_log_crate: false,
            fields: fields.into(),
            head: template.head(*metadata.level(), metadata.target()).into(),
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
