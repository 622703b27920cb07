//! What is decided once for each callsite: which of its fields are written, and under which keys.

use std::sync::atomic::AtomicU64;

use otel_core::redact::FieldKind;
use tracing_core::{Event, Metadata};
use tracing_log::NormalizeEvent as _;

use crate::{config::Config, format::Key, keys::Keys, names};

/// The decisions for the events of one callsite.
#[derive(Debug)]
pub(crate) struct EventPlan {
    /// Level and target, which follow the time. Not used for records of the `log` crate: each has its own.
    pub(crate) head: Box<[u8]>,
    pub(crate) fields: FieldPlans,
    is_log_crate: bool,
    /// The lines of the current second, for [`rate_limit`](crate::rate_limit).
    pub(crate) rate: AtomicU64,
}

/// The decisions for the fields of one callsite.
#[derive(Debug)]
pub(crate) struct FieldPlans {
    /// In the callsite's order; `None` for a field that is never written.
    fields: Box<[Option<FieldPlan>]>,
    /// The bits of all names. Most pairs of callsites have no bit in common, which spares the comparison of their names.
    bits: u64,
}

/// The decision for a field that is written.
#[derive(Debug)]
pub(crate) struct FieldPlan {
    pub(crate) name: &'static str,
    /// `,"name":`, ready to be copied.
    pub(crate) key: Box<[u8]>,
    pub(crate) treatment: Treatment,
    /// One of 64 bits, which differs for most pairs of names.
    pub(crate) bit: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    Field(FieldKind),
    /// The message of an event, which is written outside of any object of fields.
    Message,
}

impl EventPlan {
    pub(crate) fn new(event: &Event<'_>, config: &Config, keys: &Keys) -> Self {
        let metadata = event.metadata();
        let is_log_crate = event.is_log();
        let mut head = Vec::new();
        keys.write_head(&mut head, config, *metadata.level(), metadata.target());
        let fields = FieldPlans::new(metadata, |name| match keys.get(Key::Message) {
            Some(key) if name == MESSAGE => Some((Treatment::Message, key.into())),
            // tracing-log adds the record's target and location as fields. The line takes them from the record.
            _ if is_log_crate && name.starts_with("log.") => None,
            _ => Some((treatment(name, config), keys.event_key(name))),
        });
        Self {
            head: head.into(),
            fields,
            is_log_crate,
            rate: AtomicU64::new(0),
        }
    }

    /// Returns level, target and location of the record if the event is a record of the `log` crate.
    #[inline]
    pub(crate) fn log_record<'a>(&self, event: &'a Event<'a>) -> Option<Metadata<'a>> {
        if self.is_log_crate {
            event.normalized_metadata()
        } else {
            None
        }
    }
}

impl FieldPlans {
    /// Decides for the fields of a span.
    pub(crate) fn from_span(
        metadata: &'static Metadata<'static>,
        config: &Config,
        keys: &Keys,
    ) -> Self {
        Self::new(metadata, |name| {
            if OTEL_CONTROL_FIELDS.contains(&name) {
                return None;
            }
            Some((treatment(name, config), keys.span_key(name)))
        })
    }

    fn new(
        metadata: &'static Metadata<'static>,
        decide: impl Fn(&str) -> Option<(Treatment, Box<[u8]>)>,
    ) -> Self {
        let names = metadata.fields().iter();
        let names: Vec<_> = names.map(|field| names::plain(field.name())).collect();
        let fields = names.iter().enumerate().map(|(index, &name)| {
            // Of two fields with the same name, only the first is written.
            if names.iter().take(index).any(|&earlier| earlier == name) {
                return None;
            }
            let (treatment, key) = decide(name)?;
            Some(FieldPlan {
                name,
                key,
                treatment,
                bit: bit_of(name),
            })
        });
        let fields: Box<[Option<FieldPlan>]> = fields.collect();
        let named = fields.iter().flatten().filter(|field| !field.is_message());
        Self {
            bits: named.fold(0, |bits, field| bits | field.bit),
            fields,
        }
    }

    /// Returns the decision for the field at this index of the callsite, or `None` if the field is never written.
    pub(crate) fn at(&self, index: usize) -> Option<&FieldPlan> {
        self.fields.get(index)?.as_ref()
    }

    /// Whether a field of this name is written other than as the message.
    pub(crate) fn has_name_of(&self, other: &FieldPlan) -> bool {
        self.bits & other.bit != 0
            && self
                .fields
                .iter()
                .flatten()
                .any(|field| field.name == other.name && !field.is_message())
    }
}

impl FieldPlan {
    fn is_message(&self) -> bool {
        self.treatment == Treatment::Message
    }
}

fn treatment(name: &str, config: &Config) -> Treatment {
    Treatment::Field(config.secrets.get().field_kind(name))
}

/// Returns one of 64 bits by length, first and last byte, which differ for most names.
fn bit_of(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let first = bytes.first().copied().map_or(0, u64::from);
    let last = bytes.last().copied().map_or(0, u64::from);
    1 << ((first * 7 + last * 31 + bytes.len() as u64) % 64)
}

const MESSAGE: &str = "message";

/// Fields that control tracing-opentelemetry and are not written.
const OTEL_CONTROL_FIELDS: [&str; 4] = [
    "otel.name",
    "otel.kind",
    "otel.status_code",
    "otel.status_description",
];
