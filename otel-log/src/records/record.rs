//! The body and the attributes of a record, from the fields of the event and its span.

use opentelemetry::logs::{AnyValue, LogRecord};
use otel_core::{
    redact::{FieldKind, REDACTED},
    span_fields::KeptField,
};
use tracing_core::{Event, Metadata, field::Field};

use super::any_value::{any_value, kept_value, redacted, size};
use crate::{
    plan::{FieldPlan, FieldPlans, Treatment},
    template::Template,
    value::{FieldSink, Value, Visitor},
};

/// A record to which attributes are added.
pub(super) struct Attributes<'a, R> {
    record: &'a mut R,
    template: &'a Template,
    /// The bytes that further attributes may have.
    left: usize,
    left_out: i64,
}

impl<'a, R: LogRecord> Attributes<'a, R> {
    pub(super) fn new(record: &'a mut R, template: &'a Template) -> Self {
        Self {
            record,
            template,
            left: template.config.line_limit,
            left_out: 0,
        }
    }

    /// Adds the fields of the event.
    pub(super) fn add_event(&mut self, event: &Event<'_>, plans: &FieldPlans) {
        event.record(&mut Visitor(EventFields {
            attributes: self,
            plans,
        }));
    }

    /// Adds the fields of the span whose names the event does not have.
    pub(super) fn add_span(
        &mut self,
        metadata: &'static Metadata<'static>,
        fields: &[KeptField],
        event: &FieldPlans,
    ) {
        if fields.is_empty() {
            return;
        }
        let plans = self.template.span_plan(metadata);
        let limit = self.template.config.value_limit;
        for kept in fields {
            let plan = plans.at(kept.index());
            if let Some(field) = plan.filter(|field| !event.has_name_of(field)) {
                self.add(field, || kept_value(kept.value(), limit));
            }
        }
    }

    /// Adds how many attributes were left out.
    pub(super) fn finish(self) {
        if self.left_out > 0 {
            self.record.add_attribute("fields_left_out", self.left_out);
        }
    }

    fn add(&mut self, field: &FieldPlan, value: impl FnOnce() -> AnyValue) {
        let secrets = self.template.config.secrets.get();
        let value = match field.treatment {
            Treatment::Field(FieldKind::Secret) => REDACTED.into(),
            Treatment::Field(kind) => redacted(value(), kind, secrets),
            Treatment::Message => value(),
        };
        match self.left.checked_sub(field.name.len() + size(&value)) {
            Some(left) => {
                self.left = left;
                self.record.add_attribute(field.name, value);
            }
            None => self.left_out += 1,
        }
    }
}

struct EventFields<'a, 'r, R> {
    attributes: &'a mut Attributes<'r, R>,
    plans: &'a FieldPlans,
}

impl<R: LogRecord> FieldSink for EventFields<'_, '_, R> {
    fn field(&mut self, field: &Field, value: Value<'_>) {
        let Some(field) = self.plans.at(field.index()) else {
            return;
        };
        let limit = self.attributes.template.config.value_limit;
        match field.treatment {
            Treatment::Message => {
                let secrets = self.attributes.template.config.secrets.get();
                let body = redacted(any_value(value, limit), FieldKind::Shown, secrets);
                self.attributes.record.set_body(body);
            }
            Treatment::Field(_) => {
                self.attributes.add(field, || any_value(value, limit));
            }
        }
    }
}
