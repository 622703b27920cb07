//! The fields of a line: those of the event, of its spans, and the others.

use std::thread;

use tracing_core::{Metadata, Subscriber, field::Field};
use tracing_subscriber::{
    layer::Context,
    registry::{LookupSpan, Scope, SpanRef},
};

use crate::{
    config::Spans,
    facts::Facts,
    format::{Key, LocationForm},
    json,
    plan::{FieldPlan, FieldPlans, Treatment},
    secret::REDACTED,
    span_fields::SpanFields,
    template::Template,
    visit::{Target, Visitor},
};

/// A line while its fields are written.
pub(crate) struct Members<'a> {
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) template: &'a Template,
    pub(crate) fields_left_out: u64,
}

impl Members<'_> {
    /// The message, and all other fields beside it or in an object.
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

    /// One part of the event's fields, or all as they come.
    pub(crate) fn event_part(&mut self, facts: &Facts<'_>, part: Option<Part>) {
        facts.event.record(&mut Visitor(EventFields {
            members: self,
            plans: &facts.plan.fields,
            part,
        }));
    }

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
                let scope = ctx.event_scope(facts.event).into_iter();
                scope
                    .flat_map(Scope::from_root)
                    .for_each(|span| members.listed_span(&span));
            }),
            // In an object of their own they clash with no field of the event.
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

    /// The current span's fields, or those of all spans, inner ones first.
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
        if self.template.config.spans == Spans::Current {
            if let Some(span) = ctx.event_span(facts.event) {
                self.one_span(&span, is_free);
            }
            return;
        }
        let mut bits = 0;
        for span in ctx.event_scope(facts.event).into_iter().flatten() {
            self.one_span(&span, |field| {
                let is_first = bits & field.bit == 0 || !names.contains(&field.name);
                bits |= field.bit;
                names.push(field.name);
                is_first && is_free(field)
            });
        }
    }

    fn one_span<'s, S>(&mut self, span: &SpanRef<'s, S>, mut wanted: impl FnMut(&FieldPlan) -> bool)
    where
        S: LookupSpan<'s>,
    {
        let extensions = span.extensions();
        let Some(fields) = extensions.get::<SpanFields>() else {
            return;
        };
        let template = self.template;
        let plans = template.span_plan(span.metadata());
        for (index, value) in fields.iter() {
            if let Some(field) = plans.at(index).filter(|field| wanted(field)) {
                let limit = template.config.value_limit;
                self.field(field, |out| json::cut(out, value, limit));
            }
        }
    }

    fn listed_span<'s, S>(&mut self, span: &SpanRef<'s, S>)
    where
        S: LookupSpan<'s>,
    {
        self.out.extend_from_slice(b",{\"name\":");
        json::string(
            self.out,
            span.metadata().name(),
            self.template.config.value_limit,
        );
        self.one_span(span, |_| true);
        self.out.push(b'}');
    }

    /// Place and thread, the fields that the application added, and what was left out.
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
            fields.for_each(|at, value| {
                let key = keys.get(at).map(|key| &**key).unwrap_or_default();
                self.member(key, |out| {
                    json::string(out, value, template.config.value_limit);
                });
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
            // `ThreadId(7)`: there is no stable way to the number.
            let start = self.out.len();
            json::formatted(self.out, format_args!("{:?}", thread.id()), usize::MAX);
            let id = self.out.split_off(start);
            self.out.extend(id.into_iter().filter(u8::is_ascii_digit));
        }
    }

    fn text(&mut self, key: Key, text: &str) {
        if let Some(key) = self.template.keys.get(key) {
            self.out.extend_from_slice(key);
            json::string(self.out, text, self.template.config.value_limit);
        }
    }

    fn count(&mut self, key: Key, count: u64) {
        if count > 0 {
            if let Some(key) = self.template.keys.get(key) {
                self.out.extend_from_slice(key);
                json::integer(self.out, count);
            }
        }
    }

    fn field(&mut self, field: &FieldPlan, write: impl FnOnce(&mut Vec<u8>)) {
        self.member(&field.key, |out| match field.treatment {
            Treatment::Redact => json::string(out, REDACTED, usize::MAX),
            _ => write(out),
        });
    }

    /// Writes a member, and takes it back where the line becomes too long for it.
    fn member(&mut self, key: &[u8], value: impl FnOnce(&mut Vec<u8>)) {
        let start = self.out.len();
        self.out.extend_from_slice(key);
        value(self.out);
        if self.out.len() > self.template.config.line_limit {
            self.out.truncate(start);
            self.fields_left_out += 1;
        }
    }

    /// Writes `,"name":{…}`, or nothing where there is nothing in it.
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
        // Whatever is inside begins with a comma, which becomes the bracket.
        match self.out.get_mut(start) {
            Some(comma) => {
                *comma = open;
                self.out.push(close);
            }
            None => self.out.truncate(before),
        }
    }
}

/// The part of an event's fields that is written.
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

impl Target for EventFields<'_, '_> {
    fn field(&mut self, field: &Field, write: impl FnOnce(&mut Vec<u8>, usize)) {
        let Some(field) = self.plans.at(field.index()) else {
            return;
        };
        let part = match field.treatment {
            Treatment::Message => Part::Message,
            Treatment::Write | Treatment::Redact => Part::Fields,
        };
        if self.part.is_none_or(|wanted| wanted == part) {
            let limit = self.members.template.config.value_limit;
            self.members.field(field, |out| write(out, limit));
        }
    }
}
