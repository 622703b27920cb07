//! Writes the members of a line that hold fields: the event's, the spans', and the fields of every line.

use std::thread;

use otel_core::{
    redact::FieldKind,
    span_fields::{KeptField, text::push_formatted},
};
use tracing_core::{Metadata, Subscriber, field::Field};
use tracing_subscriber::{layer::Context, registry::LookupSpan};

use crate::{
    config::Spans,
    facts::Facts,
    format::{Key, LocationForm},
    json,
    notice::EVENT_NAME,
    plan::{FieldPlan, FieldPlans, Treatment},
    redaction, spans_around,
    template::{ExtraKey, Template},
    value::{FieldSink, Value, Visitor},
};

/// A line to which members are appended.
pub(crate) struct Members<'a> {
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) template: &'a Template,
    pub(crate) fields_left_out: u64,
}

impl Members<'_> {
    /// Writes the message, and the other fields next to it or in an object.
    pub(crate) fn event(&mut self, facts: &Facts<'_>) {
        if self.template.config.nested {
            self.event_part(facts, Some(Part::Message));
            self.object(Key::Fields, |members| {
                members.event_part(facts, Some(Part::Fields));
            });
        } else {
            self.event_part(facts, None);
        }
    }

    /// Writes the name of an event of the layer itself, as a field of the event.
    pub(crate) fn write_event_name(&mut self, name: &str) {
        let write = |members: &mut Self| {
            let key = members.template.keys.event_key(EVENT_NAME);
            members.out.extend_from_slice(&key);
            json::string(members.out, name, usize::MAX);
        };
        if self.template.config.nested {
            self.object(Key::Fields, write);
        } else {
            write(self);
        }
    }

    /// Writes one part of the event's fields, or all fields in their order.
    pub(crate) fn event_part(&mut self, facts: &Facts<'_>, part: Option<Part>) {
        facts.event.record(&mut Visitor(EventFields {
            members: self,
            plans: &facts.plan.fields,
            part,
        }));
    }

    /// Writes the fields of the spans around the event, as [`Spans`] says. `names` is memory for the names of merged fields.
    pub(crate) fn spans<S>(
        &mut self,
        facts: &Facts<'_>,
        ctx: &Context<'_, S>,
        names: &mut Vec<&'static str>,
    ) where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let config = &self.template.config;
        match config.spans {
            Spans::None => {}
            Spans::List => self.array(Key::Spans, |members| {
                let template = members.template;
                spans_around::visit_from_root(facts.event, ctx, template, |metadata, fields| {
                    members.listed_span(metadata, fields);
                });
            }),
            // Fields in a separate object do not clash with the event's.
            Spans::Current | Spans::Merged if config.nested => {
                self.object(Key::Span, |members| {
                    members.spans_in_one(facts, ctx, None, names);
                });
            }
            Spans::Current | Spans::Merged => {
                self.spans_in_one(facts, ctx, Some(&facts.plan.fields), names);
            }
        }
    }

    /// Writes the fields of the current span, or of all spans from the innermost outwards, except names that `event` has.
    fn spans_in_one<S>(
        &mut self,
        facts: &Facts<'_>,
        ctx: &Context<'_, S>,
        event: Option<&FieldPlans>,
        names: &mut Vec<&'static str>,
    ) where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let is_free = |field: &FieldPlan| event.is_none_or(|event| !event.has_name_of(field));
        let template = self.template;
        let is_one = template.config.spans == Spans::Current;
        let mut bits = 0;
        spans_around::visit(facts.event, ctx, template, |metadata, fields| {
            self.one_span(metadata, fields, |field| {
                if is_one {
                    return is_free(field);
                }
                let is_first = bits & field.bit == 0 || !names.contains(&field.name);
                bits |= field.bit;
                names.push(field.name);
                is_first && is_free(field)
            });
            !is_one
        });
    }

    fn one_span(
        &mut self,
        metadata: &'static Metadata<'static>,
        fields: &[KeptField],
        mut wanted: impl FnMut(&FieldPlan) -> bool,
    ) {
        if fields.is_empty() {
            return;
        }
        let template = self.template;
        let plans = template.span_plan(metadata);
        for kept in fields {
            if let Some(field) = plans.at(kept.index()).filter(|field| wanted(field)) {
                let start = self.begin(&field.key);
                let limit = template.config.value_limit;
                match field.treatment {
                    Treatment::Field(FieldKind::Shown) => json::kept_field(self.out, kept, limit),
                    other => redaction::write(self.out, template, other, |out, limit| {
                        json::kept_field(out, kept, limit);
                    }),
                }
                self.end(start);
            }
        }
    }

    fn listed_span(&mut self, metadata: &'static Metadata<'static>, fields: &[KeptField]) {
        self.out.extend_from_slice(b",{\"name\":");
        let limit = self.template.config.value_limit;
        json::string(self.out, metadata.name(), limit);
        self.one_span(metadata, fields, |_| true);
        self.out.push(b'}');
    }

    /// Writes source location, thread, the fields that the application adds to every line, and how much was left out.
    pub(crate) fn others(&mut self, facts: &Facts<'_>) {
        let template = self.template;
        if template.config.location {
            self.location(facts.metadata());
        }
        if template.config.thread {
            self.thread();
        }
        self.out.extend_from_slice(&template.fixed);
        for (fields, keys) in &template.extra {
            fields.for_each(|index, value| {
                let Some(ExtraKey { key, kind }) = keys.get(index) else {
                    return;
                };
                let start = self.begin(key);
                if *kind == FieldKind::Shown {
                    json::string(self.out, value, template.config.value_limit);
                } else {
                    let treatment = Treatment::Field(*kind);
                    redaction::write(self.out, template, treatment, |out, limit| {
                        json::string(out, value, limit);
                    });
                }
                self.end(start);
            });
        }
        self.count(Key::FieldsLeftOut, self.fields_left_out);
        self.count(Key::LinesLeftOut, facts.lines_left_out);
    }

    fn location(&mut self, metadata: &Metadata<'_>) {
        let (Some(file), line) = (metadata.file(), metadata.line()) else {
            return;
        };
        match self.template.config.format.location_form {
            LocationForm::Fields => {
                self.text(Key::File, file);
                self.count(Key::Line, line.unwrap_or_default().into());
            }
            LocationForm::GoogleCloud => self.object(Key::File, |object| {
                object.out.extend_from_slice(b",\"file\":");
                json::string(object.out, file, usize::MAX);
                if let Some(line) = line {
                    object.out.extend_from_slice(b",\"line\":\"");
                    json::integer(object.out, line);
                    object.out.push(b'"');
                }
            }),
        }
    }

    fn thread(&mut self) {
        let thread = thread::current();
        if let Some(name) = thread.name() {
            self.text(Key::ThreadName, name);
        }
        if let Some(key) = self.template.keys.get(Key::ThreadId) {
            self.out.extend_from_slice(key);
            // The standard library shows the number only as `ThreadId(7)`. This formatting cannot fail.
            let _ = push_formatted(format_args!("{:?}", thread.id()), usize::MAX, |text| {
                self.out.extend(text.bytes().filter(u8::is_ascii_digit));
            });
        }
    }

    fn text(&mut self, key: Key, text: &str) {
        if let Some(key) = self.template.keys.get(key) {
            self.out.extend_from_slice(key);
            json::string(self.out, text, self.template.config.value_limit);
        }
    }

    /// Writes a number, unless it is 0.
    fn count(&mut self, key: Key, count: u64) {
        if let Some(key) = self.template.keys.get(key).filter(|_| count > 0) {
            self.out.extend_from_slice(key);
            json::integer(self.out, count);
        }
    }

    /// Writes the key of a member and returns where the member starts, for [`end`](Self::end) after its value.
    #[inline]
    fn begin(&mut self, key: &[u8]) -> usize {
        let start = self.out.len();
        self.out.extend_from_slice(key);
        start
    }

    /// Removes the member that starts there if it makes the line too long.
    #[inline]
    fn end(&mut self, start: usize) {
        if self.out.len() > self.template.config.line_limit {
            self.out.truncate(start);
            self.fields_left_out += 1;
        }
    }

    /// Writes `,"name":{…}`, or nothing if the object would be empty.
    fn object(&mut self, key: Key, write: impl FnOnce(&mut Self)) {
        self.nest(key, (b'{', b'}'), write);
    }

    fn array(&mut self, key: Key, write: impl FnOnce(&mut Self)) {
        self.nest(key, (b'[', b']'), write);
    }

    fn nest(&mut self, key: Key, (open, close): (u8, u8), write: impl FnOnce(&mut Self)) {
        let Some(key) = self.template.keys.get(key) else {
            return;
        };
        let before = self.out.len();
        self.out.extend_from_slice(key);
        let start = self.out.len();
        write(self);
        // The first member begins with a comma. The bracket replaces it.
        match self.out.get_mut(start) {
            Some(comma) => {
                *comma = open;
                self.out.push(close);
            }
            None => self.out.truncate(before),
        }
    }
}

/// A part of an event's fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Message,
    Fields,
}

struct EventFields<'a, 'm> {
    members: &'a mut Members<'m>,
    plans: &'a FieldPlans,
    part: Option<Part>,
}

impl FieldSink for EventFields<'_, '_> {
    // Inlined where the type of the value is known: a jump by type for each field would cost 4 % of a line.
    #[inline(always)]
    fn field(&mut self, field: &Field, value: Value<'_>) {
        let Some(field) = self.plans.at(field.index()) else {
            return;
        };
        let part = match field.treatment {
            Treatment::Message => Part::Message,
            Treatment::Field(_) => Part::Fields,
        };
        if self.part.is_none_or(|wanted| wanted == part) {
            let members = &mut *self.members;
            let start = members.begin(&field.key);
            let limit = members.template.config.value_limit;
            match field.treatment {
                Treatment::Message | Treatment::Field(FieldKind::Shown) => {
                    json::value(members.out, value, limit);
                }
                other @ Treatment::Field(_) => {
                    redaction::write(members.out, members.template, other, |out, limit| {
                        json::value(out, value, limit);
                    });
                }
            }
            members.end(start);
        }
    }
}
