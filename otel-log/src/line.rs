//! Writes a JSON line: time, level, target, message and event fields, span fields, the fields of every line, ids.

use std::time::SystemTime;

use otel_core::redact::FieldKind;
use tracing_core::{Level, Subscriber};
use tracing_subscriber::{layer::Context, registry::LookupSpan};

use crate::{
    facts::Facts,
    format::{Key, TraceForm},
    ids::Ids,
    json,
    members::Members,
    notice::NoticeLine,
    scratch::Scratch,
    template::Template,
    timestamp::{self, LastSecond},
};

/// Writes the line of an event, with its line feed.
pub(crate) fn write<S>(
    scratch: &mut Scratch,
    template: &Template,
    facts: &Facts<'_>,
    ctx: &Context<'_, S>,
) where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Scratch {
        line: out,
        names,
        last_second,
    } = scratch;
    let (config, keys) = (&template.config, &template.keys);
    start(out, last_second, template, facts.time);
    match facts.record {
        Some(record) => keys.write_head(out, config, *record.level(), record.target()),
        None => out.extend_from_slice(&facts.plan.head),
    }
    let fields = out.len();
    let mut members = Members {
        out,
        template,
        fields_left_out: 0,
    };
    members.event(facts);
    members.spans(facts, ctx, names);
    if config.format.is_target_last {
        keys.write_target(members.out, config, facts.metadata().target());
    }
    members.others(facts);
    config
        .secrets
        .get()
        .redact_from(fields, FieldKind::Shown, members.out);
    if let Some(ids) = &facts.ids {
        write_ids(out, template, ids);
    }
    finish(out);
}

/// Writes a line of the layer itself.
pub(crate) fn write_notice(
    scratch: &mut Scratch,
    template: &Template,
    time: SystemTime,
    notice: &NoticeLine,
) {
    let out = &mut scratch.line;
    start(out, &mut scratch.last_second, template, time);
    let keys = &template.keys;
    keys.write_head(out, &template.config, Level::WARN, "otel_log");
    if let Some(key) = keys.get(Key::Message) {
        out.extend_from_slice(key);
        json::string(out, notice.message, usize::MAX);
    }
    let mut members = Members {
        out,
        template,
        fields_left_out: 0,
    };
    members.write_event_name(notice.event_name);
    out.extend_from_slice(&template.fixed);
    finish(out);
}

fn start(out: &mut Vec<u8>, last_second: &mut LastSecond, template: &Template, time: SystemTime) {
    if let Some(key) = template.keys.get(Key::Timestamp) {
        out.extend_from_slice(key);
        timestamp::write(out, last_second, time, template.config.format.timestamp);
    }
}

/// Makes the members an object: the opening brace replaces the comma before the first member.
fn finish(out: &mut Vec<u8>) {
    match out.first_mut() {
        Some(first) => *first = b'{',
        None => out.push(b'{'),
    }
    out.extend_from_slice(b"}\n");
}

fn write_ids(out: &mut Vec<u8>, template: &Template, ids: &Ids) {
    let keys = &template.keys;
    let form = &template.config.format.trace_form;
    if let Some(key) = keys.get(Key::TraceId) {
        out.extend_from_slice(key);
        match form {
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
    if let Some(key) = keys.get(Key::SpanId) {
        out.extend_from_slice(key);
        json::hex(out, &ids.span_id.to_bytes());
    }
    if let Some(key) = keys.get(Key::TraceFlags) {
        out.extend_from_slice(key);
        match form {
            TraceForm::Hex => json::hex(out, &[ids.trace_flags.to_u8()]),
            TraceForm::GoogleCloud { .. } => json::boolean(out, ids.trace_flags.is_sampled()),
        }
    }
}
