//! Lines for people: one line of text per event, with the short trace id.

use std::time::SystemTime;

use tracing_core::{Level, Subscriber, field::Field};
use tracing_subscriber::{layer::Context, registry::LookupSpan};

use crate::{
    config::Spans,
    json,
    line::Facts,
    plan::{FieldPlan, Plan, Treatment},
    scratch::Scratch,
    span_fields::SpanFields,
    template::Template,
    timestamp,
    visit::{Target, Visitor},
};

/// Writes `10:20:30.456  WARN pricing is slow waited_ms=1500 cart=7 checkout 0af76519`, with its line feed.
pub(crate) fn write<S>(
    scratch: &mut Scratch,
    template: &Template,
    facts: &Facts<'_>,
    ctx: &Context<'_, S>,
) where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Scratch { line: out, names } = scratch;
    let color = template.config.color;
    time(out, color, facts.time);
    level(out, color, *facts.metadata.level());
    facts.event.record(&mut Visitor(EventFields {
        out,
        template,
        plan: facts.plan,
    }));
    if template.config.spans != Spans::None {
        let all = template.config.spans != Spans::Current;
        let spans = ctx
            .event_span(facts.event)
            .into_iter()
            .flat_map(|span| span.scope());
        for span in spans.take(if all { usize::MAX } else { 1 }) {
            let metadata = span.metadata();
            let plan = template
                .spans
                .get(metadata, || Plan::of_span(metadata, template));
            let extensions = span.extensions();
            let fields = extensions
                .get::<SpanFields>()
                .into_iter()
                .flat_map(SpanFields::iter);
            for (index, value) in fields {
                let Some(field) = plan.at(index) else {
                    continue;
                };
                let is_wanted = field.treatment != Treatment::LeaveOut
                    && !facts.plan.has(field)
                    && !names.contains(&field.name);
                if is_wanted {
                    names.push(field.name);
                    let limit = template.config.value_limit;
                    one_field(out, template, field, |out| json::cut(out, value, limit));
                }
            }
        }
    }
    dimmed(out, color, |out| {
        out.push(b' ');
        out.extend_from_slice(facts.metadata.target().as_bytes());
        if let Some(ids) = &facts.ids {
            let trace_id = ids.trace_id.to_string();
            out.push(b' ');
            out.extend(trace_id.bytes().take(SHORT_ID));
        }
        if facts.lines_left_out > 0 {
            out.extend_from_slice(b" lines_left_out=");
            json::integer(out, facts.lines_left_out);
        }
    });
    out.push(b'\n');
}

fn time(out: &mut Vec<u8>, color: bool, time: SystemTime) {
    dimmed(out, color, |out| timestamp::write_time_of_day(out, time));
    out.push(b' ');
}

fn level(out: &mut Vec<u8>, color: bool, level: Level) {
    let (text, start): (&str, &[u8]) = match level {
        Level::ERROR => ("ERROR", b"\x1b[31m"),
        Level::WARN => (" WARN", b"\x1b[33m"),
        Level::INFO => (" INFO", b"\x1b[32m"),
        Level::DEBUG => ("DEBUG", b"\x1b[34m"),
        Level::TRACE => ("TRACE", b"\x1b[35m"),
    };
    styled(out, color.then_some(start), |out| {
        out.extend_from_slice(text.as_bytes());
    });
}

fn dimmed(out: &mut Vec<u8>, color: bool, write: impl FnOnce(&mut Vec<u8>)) {
    styled(out, color.then_some(b"\x1b[2m"), write);
}

fn styled(out: &mut Vec<u8>, start: Option<&[u8]>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(start.unwrap_or_default());
    write(out);
    if start.is_some() {
        out.extend_from_slice(b"\x1b[0m");
    }
}

struct EventFields<'a> {
    out: &'a mut Vec<u8>,
    template: &'a Template,
    plan: &'a Plan,
}

impl Target for EventFields<'_> {
    fn field(&mut self, field: &Field, write: impl FnOnce(&mut Vec<u8>, usize)) {
        let Some(field) = self.plan.of(field) else {
            return;
        };
        let limit = self.template.config.value_limit;
        match field.treatment {
            Treatment::LeaveOut => {}
            Treatment::Message => {
                self.out.push(b' ');
                let start = self.out.len();
                write(self.out, limit);
                unquote(self.out, start);
            }
            Treatment::Write | Treatment::Redact => {
                one_field(self.out, self.template, field, |out| write(out, limit));
            }
        }
    }
}

fn one_field(
    out: &mut Vec<u8>,
    template: &Template,
    field: &FieldPlan,
    write: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    dimmed(out, template.config.color, |out| {
        out.push(b' ');
        out.extend_from_slice(field.name.as_bytes());
        out.push(b'=');
    });
    field.write_value(out, write);
    if out.len() > template.config.line_limit {
        out.truncate(start);
    }
}

/// Takes the quotes off a string; escapes stay, so that a line is one line.
fn unquote(out: &mut Vec<u8>, start: usize) {
    if out.get(start) == Some(&b'"') && out.last() == Some(&b'"') && out.len() > start + 1 {
        out.pop();
        out.remove(start);
    }
}

/// Enough to tell the traces of a screen apart.
const SHORT_ID: usize = 8;
