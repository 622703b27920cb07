//! The order of a line: time, level, target, message and event fields, span fields, other fields, ids.

use std::{thread, time::SystemTime};

use tracing_core::{Event, Level, Metadata, Subscriber, field::Field};
use tracing_subscriber::{
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

use crate::{
    config::Spans,
    format::{Key, LocationForm, TraceForm},
    ids::Ids,
    json,
    plan::{FieldPlan, Plan, Treatment},
    scratch::Scratch,
    span_fields::SpanFields,
    template::{Template, member},
    timestamp,
    visit::{Target, Visitor},
};

/// What is known of an event before its fields are read.
pub(crate) struct Facts<'a> {
    pub(crate) time: SystemTime,
    pub(crate) event: &'a Event<'a>,
    /// That of the record where the event comes from the `log` crate.
    pub(crate) metadata: &'a Metadata<'a>,
    pub(crate) plan: &'a Plan,
    pub(crate) ids: Option<Ids>,
    pub(crate) lines_left_out: u64,
}

/// Writes the whole line of an event, with its line feed.
pub(crate) fn write<S>(
    scratch: &mut Scratch,
    template: &Template,
    facts: &Facts<'_>,
    ctx: &Context<'_, S>,
) where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Scratch { line, names } = scratch;
    let metadata = facts.metadata;
    start(
        line,
        template,
        facts.time,
        *metadata.level(),
        metadata.target(),
    );
    let mut line = Line {
        out: line,
        template,
        fields_left_out: 0,
    };
    line.event_fields(facts);
    if template.config.spans != Spans::None {
        if let Some(span) = ctx.event_span(facts.event) {
            line.span_fields(&span, facts.plan, names);
        }
    }
    line.other_fields(facts);
    if let Some(ids) = &facts.ids {
        write_ids(line.out, template, ids);
    }
    finish(line.out);
}

/// Writes a line of the layer's own.
pub(crate) fn write_notice(
    scratch: &mut Scratch,
    template: &Template,
    time: SystemTime,
    text: &str,
) {
    let out = &mut scratch.line;
    start(out, template, time, Level::WARN, "otel_log");
    out.extend(template.message_key());
    json::string(out, text, usize::MAX);
    out.extend_from_slice(&template.fixed);
    finish(out);
}

fn start(out: &mut Vec<u8>, template: &Template, time: SystemTime, level: Level, target: &str) {
    if let Some(key) = &template.timestamp {
        out.extend_from_slice(key);
        timestamp::write(out, time, template.time_form());
    }
    out.extend_from_slice(template.level(level));
    if let Some(key) = &template.target {
        out.extend_from_slice(key);
        json::string(out, target, template.config.value_limit);
    }
}

/// Every member begins with a comma; the first of them opens the object.
fn finish(out: &mut Vec<u8>) {
    match out.first_mut() {
        Some(first) => *first = b'{',
        None => out.push(b'{'),
    }
    out.extend_from_slice(b"}\n");
}

struct Line<'a> {
    out: &'a mut Vec<u8>,
    template: &'a Template,
    fields_left_out: u64,
}

impl Line<'_> {
    fn event_fields(&mut self, facts: &Facts<'_>) {
        let plan = facts.plan;
        if !self.template.config.nested {
            return facts.event.record(&mut Visitor(EventFields {
                line: self,
                plan,
                only: None,
            }));
        }
        let only = Some(Only::Message);
        facts.event.record(&mut Visitor(EventFields {
            line: self,
            plan,
            only,
        }));
        let key = self.template.config.format.name_of(Key::Fields);
        self.object(key.unwrap_or("fields"), |line| {
            let only = Some(Only::Fields);
            facts
                .event
                .record(&mut Visitor(EventFields { line, plan, only }));
        });
    }

    fn span_fields<'s, S>(
        &mut self,
        span: &SpanRef<'s, S>,
        event: &Plan,
        names: &mut Vec<&'static str>,
    ) where
        S: LookupSpan<'s>,
    {
        let config = &self.template.config;
        let list = config.spans == Spans::List;
        // In an object of their own they clash with no field of the event.
        let event = (!config.nested).then_some(event);
        if list {
            let key = config.format.name_of(Key::Spans);
            self.array(key.unwrap_or("spans"), |line| {
                span.scope()
                    .from_root()
                    .for_each(|span| line.listed_span(&span));
            });
        } else if config.nested {
            let key = config.format.name_of(Key::Span);
            self.object(key.unwrap_or("span"), |line| {
                line.merged_spans(span, event, names);
            });
        } else {
            self.merged_spans(span, event, names);
        }
    }

    /// The current span's fields, or those of all spans, inner ones first.
    fn merged_spans<'s, S>(
        &mut self,
        span: &SpanRef<'s, S>,
        event: Option<&Plan>,
        names: &mut Vec<&'static str>,
    ) where
        S: LookupSpan<'s>,
    {
        if self.template.config.spans == Spans::Current {
            return self.one_span(span, |field| event.is_none_or(|event| !event.has(field)));
        }
        for span in span.scope() {
            self.one_span(&span, |field| {
                let is_first = !names.contains(&field.name);
                if is_first {
                    names.push(field.name);
                }
                is_first && event.is_none_or(|event| !event.has(field))
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
        let metadata = span.metadata();
        let plan = template
            .spans
            .get(metadata, || Plan::of_span(metadata, template));
        for (index, value) in fields.iter() {
            let Some(field) = plan.at(index) else {
                continue;
            };
            if field.treatment != Treatment::LeaveOut && wanted(field) {
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
        self.one_span(span, |field| field.name != "name");
        self.out.push(b'}');
    }

    fn other_fields(&mut self, facts: &Facts<'_>) {
        let config = &self.template.config;
        if config.location {
            self.location(facts.metadata);
        }
        if config.thread {
            self.thread();
        }
        self.out.extend_from_slice(&self.template.fixed);
        for extra in &config.extra {
            extra.write(self.out, config.value_limit);
        }
        self.count(Key::FieldsLeftOut, self.fields_left_out);
        self.count(Key::LinesLeftOut, facts.lines_left_out);
    }

    fn location(&mut self, metadata: &Metadata<'_>) {
        let (Some(file), line) = (metadata.file(), metadata.line()) else {
            return;
        };
        let format = &self.template.config.format;
        match self.template.location_form() {
            LocationForm::Fields => {
                self.text(Key::File, file);
                if let (Some(name), Some(line)) = (format.name_of(Key::Line), line) {
                    self.out.extend(member(name));
                    json::integer(self.out, line);
                }
            }
            LocationForm::GoogleCloud => {
                let Some(name) = format.name_of(Key::File) else {
                    return;
                };
                self.object(name, |object| {
                    object.out.extend(member("file"));
                    json::string(object.out, file, usize::MAX);
                    if let Some(line) = line {
                        object.out.extend(member("line"));
                        json::formatted(object.out, format_args!("{line}"), usize::MAX);
                    }
                });
            }
        }
    }

    fn thread(&mut self) {
        let thread = thread::current();
        if let Some(name) = thread.name() {
            self.text(Key::ThreadName, name);
        }
        if let Some(name) = self.template.config.format.name_of(Key::ThreadId) {
            self.out.extend(member(name));
            // `ThreadId(7)`: there is no stable way to the number.
            let id = format!("{:?}", thread.id());
            self.out.extend(id.bytes().filter(u8::is_ascii_digit));
        }
    }

    fn text(&mut self, key: Key, text: &str) {
        if let Some(name) = self.template.config.format.name_of(key) {
            self.out.extend(member(name));
            json::string(self.out, text, self.template.config.value_limit);
        }
    }

    fn count(&mut self, key: Key, count: u64) {
        if count > 0 {
            if let Some(name) = self.template.config.format.name_of(key) {
                self.out.extend(member(name));
                json::integer(self.out, count);
            }
        }
    }

    /// Writes a field, and takes it back where the line becomes too long for it.
    fn field(&mut self, field: &FieldPlan, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.out.len();
        field.write(self.out, write);
        if self.out.len() > self.template.config.line_limit {
            self.out.truncate(start);
            self.fields_left_out += 1;
        }
    }

    /// Writes `,"name":{…}`, or nothing where there is nothing in it.
    fn object(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        self.nest(name, (b'{', b'}'), write);
    }

    fn array(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        self.nest(name, (b'[', b']'), write);
    }

    fn nest(&mut self, name: &str, (open, close): (u8, u8), write: impl FnOnce(&mut Self)) {
        let before = self.out.len();
        self.out.extend(member(name));
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
enum Only {
    Message,
    Fields,
}

struct EventFields<'a, 'l> {
    line: &'a mut Line<'l>,
    plan: &'a Plan,
    only: Option<Only>,
}

impl Target for EventFields<'_, '_> {
    fn field(&mut self, field: &Field, write: impl FnOnce(&mut Vec<u8>, usize)) {
        let Some(field) = self.plan.of(field) else {
            return;
        };
        let kind = match field.treatment {
            Treatment::LeaveOut => return,
            Treatment::Message => Only::Message,
            Treatment::Write | Treatment::Redact => Only::Fields,
        };
        if self.only.is_none_or(|only| only == kind) {
            let limit = self.line.template.config.value_limit;
            self.line.field(field, |out| write(out, limit));
        }
    }
}

fn write_ids(out: &mut Vec<u8>, template: &Template, ids: &Ids) {
    if let Some(key) = &template.trace_id {
        out.extend_from_slice(key);
        match template.trace_form() {
            TraceForm::Hex => json::hex(out, &ids.trace_id.to_bytes()),
            TraceForm::GoogleCloud { project } => {
                let trace_id = ids.trace_id;
                json::formatted(
                    out,
                    format_args!("projects/{project}/traces/{trace_id}"),
                    usize::MAX,
                );
            }
        }
    }
    if let Some(key) = &template.span_id {
        out.extend_from_slice(key);
        json::hex(out, &ids.span_id.to_bytes());
    }
    if let Some(key) = &template.trace_flags {
        out.extend_from_slice(key);
        match template.trace_form() {
            TraceForm::Hex => json::hex(out, &[ids.trace_flags.to_u8()]),
            TraceForm::GoogleCloud { .. } => json::boolean(out, ids.trace_flags.is_sampled()),
        }
    }
}
