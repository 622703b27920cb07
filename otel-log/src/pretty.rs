//! Lines for people: one line of text per event, with the start of the trace id.

use std::time::SystemTime;

use tracing_core::{Level, Subscriber};
use tracing_subscriber::{layer::Context, registry::LookupSpan};

use crate::{
    json,
    line::Facts,
    members::{Members, Part},
    scratch::Scratch,
    template::{DIM, PLAIN, Template},
    timestamp,
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
    let Scratch {
        line: out, names, ..
    } = scratch;
    let color = template.config.color;
    start(out, color, facts.time, *facts.metadata().level());

    let message = out.len();
    let mut members = Members {
        out,
        template,
        fields_left_out: 0,
    };
    members.event_part(facts, Some(Part::Message));
    undress(members.out, message);
    members.event_part(facts, Some(Part::Fields));
    members.spans(facts, ctx, names);
    members.others(facts);

    styled(out, color.then_some(DIM), |out| {
        out.push(b' ');
        json::text(out, facts.metadata().target());
        if let Some(ids) = &facts.ids {
            let trace_id = ids.trace_id.to_string();
            out.push(b' ');
            out.extend(trace_id.bytes().take(SHORT_ID));
        }
    });
    out.push(b'\n');
}

/// Writes a line of the layer's own.
pub(crate) fn write_notice(
    scratch: &mut Scratch,
    template: &Template,
    time: SystemTime,
    text: &str,
) {
    let out = &mut scratch.line;
    start(out, template.config.color, time, Level::WARN);
    out.push(b' ');
    json::text(out, text);
    out.push(b'\n');
}

fn start(out: &mut Vec<u8>, color: bool, time: SystemTime, level: Level) {
    styled(out, color.then_some(DIM), |out| {
        timestamp::write_time_of_day(out, time);
    });
    out.push(b' ');
    let (text, style) = match level {
        Level::ERROR => ("ERROR", "\x1b[31m"),
        Level::WARN => (" WARN", "\x1b[33m"),
        Level::INFO => (" INFO", "\x1b[32m"),
        Level::DEBUG => ("DEBUG", "\x1b[34m"),
        Level::TRACE => ("TRACE", "\x1b[35m"),
    };
    styled(out, color.then_some(style), |out| {
        out.extend_from_slice(text.as_bytes());
    });
}

fn styled(out: &mut Vec<u8>, style: Option<&str>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(style.unwrap_or_default().as_bytes());
    write(out);
    if style.is_some() {
        out.extend_from_slice(PLAIN.as_bytes());
    }
}

/// Turns ` message="text"` into ` text`. Escapes stay, so that a line is one line and nothing in it moves the cursor.
fn undress(out: &mut Vec<u8>, start: usize) {
    let Some(quote) = out.iter().skip(start).position(|&byte| byte == b'"') else {
        return;
    };
    out.splice(start..=start + quote, [b' ']);
    if out.last() == Some(&b'"') {
        out.pop();
    }
}

/// Enough to tell the traces of a screen apart.
const SHORT_ID: usize = 8;
