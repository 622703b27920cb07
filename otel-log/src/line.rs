//! The order of a line: time, level, target, message and event fields, span fields, ids.

use std::time::SystemTime;

use tracing_core::{Event, Metadata, Subscriber};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::{layer::Context, registry::LookupSpan};

use crate::{
    ids::Ids,
    json, keys,
    scratch::Scratch,
    span_fields::SpanFields,
    timestamp,
    visit::{Target, Visitor},
};

/// Writes the whole line of an event, with its line feed.
///
/// `metadata` is that of the record where the event comes from the `log` crate. The ids are asked for last, when no lock on a
/// span's extensions is held.
pub(crate) fn write<S>(
    scratch: &mut Scratch,
    time: SystemTime,
    event: &Event<'_>,
    metadata: &Metadata<'_>,
    ctx: &Context<'_, S>,
    ids: impl FnOnce() -> Option<Ids>,
) where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    start(
        &mut scratch.line,
        time,
        metadata.level().as_str(),
        metadata.target(),
    );
    event.record(&mut Visitor(EventFields {
        scratch,
        of_log_crate: event.is_log(),
    }));
    if let Some(span) = ctx.event_span(event) {
        if let Some(fields) = span.extensions().get::<SpanFields>() {
            write_span(scratch, fields);
        }
    }
    if let Some(ids) = ids() {
        write_ids(&mut scratch.line, &ids);
    }
    scratch.line.extend_from_slice(b"}\n");
}

fn start(out: &mut Vec<u8>, time: SystemTime, level: &str, target: &str) {
    out.push(b'{');
    json::string(out, keys::TIMESTAMP);
    out.extend_from_slice(b":\"");
    timestamp::write(out, time);
    out.push(b'"');
    own_key(out, keys::LEVEL);
    json::string(out, level);
    own_key(out, keys::TARGET);
    json::string(out, target);
}

struct EventFields<'a> {
    scratch: &'a mut Scratch,
    of_log_crate: bool,
}

impl Target for EventFields<'_> {
    fn field(&mut self, name: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        let Scratch { line, names } = &mut *self.scratch;
        // tracing-log carries target and place of a record in these; the line has them from the record itself.
        if names.contains(&name) || (self.of_log_crate && name.starts_with("log.")) {
            return;
        }
        names.push(name);
        if name == keys::MESSAGE {
            own_key(line, name);
        } else {
            keys::write(line, name);
        }
        write(line);
    }
}

fn write_span(scratch: &mut Scratch, fields: &SpanFields) {
    let Scratch { line, names } = scratch;
    for (name, value) in fields.iter() {
        // `message` is renamed in a span, so it clashes with nothing.
        if name == keys::MESSAGE || !names.contains(&name) {
            keys::write(line, name);
            line.extend_from_slice(value);
        }
    }
}

fn write_ids(out: &mut Vec<u8>, ids: &Ids) {
    own_key(out, keys::TRACE_ID);
    json::hex(out, &ids.trace_id.to_bytes());
    own_key(out, keys::SPAN_ID);
    json::hex(out, &ids.span_id.to_bytes());
    own_key(out, keys::TRACE_FLAGS);
    json::hex(out, &[ids.trace_flags.to_u8()]);
}

/// Appends `,"key":` for a name of the line itself.
fn own_key(out: &mut Vec<u8>, name: &str) {
    out.push(b',');
    json::string(out, name);
    out.push(b':');
}
