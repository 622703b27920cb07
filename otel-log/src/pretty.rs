//! Writes lines for people: one line of text per event, with the start of the trace id.

use std::{fmt::Write as _, time::SystemTime};

use otel_core::redact::FieldKind;
use tracing_core::{Level, Subscriber};
use tracing_subscriber::{layer::Context, registry::LookupSpan};

use crate::{
    facts::Facts,
    json,
    keys::{DIM, PLAIN},
    members::{Members, Part},
    notice::{EVENT_NAME, NoticeLine},
    scratch::Scratch,
    template::Template,
    timestamp,
};

/// Writes the line of an event, with its line feed: `10:20:30.456  WARN pricing is slow waited_ms=1500 cart=7 checkout 0af76519`.
pub(crate) fn write<S>(
    scratch: &mut Scratch,
    template: &Template,
    facts: &Facts<'_>,
    ctx: &Context<'_, S>,
) where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let (out, names) = (&mut scratch.line, &mut scratch.names);
    let color = template.config.color;
    start(out, color, facts.time, *facts.metadata().level());

    let message = out.len();
    let mut members = Members {
        out,
        template,
        fields_left_out: 0,
    };
    members.event_part(facts, Some(Part::Message));
    unquote_message(members.out, message);
    members.event_part(facts, Some(Part::Fields));
    members.spans(facts, ctx, names);
    members.others(facts);
    template
        .config
        .secrets
        .get()
        .redact_from(message, FieldKind::Shown, members.out);
    escape_controls(out, message);

    styled(out, color.then_some(DIM), |out| {
        out.push(b' ');
        let start = out.len();
        json::escaped(out, facts.metadata().target());
        escape_controls(out, start);
        if let Some(ids) = &facts.ids {
            let trace_id = ids.trace_id.to_string();
            out.push(b' ');
            out.extend(trace_id.bytes().take(SHORT_ID));
        }
    });
    out.push(b'\n');
}

/// Writes a line of the layer itself.
pub(crate) fn write_notice(
    scratch: &mut Scratch,
    template: &Template,
    time: SystemTime,
    notice: &NoticeLine,
) {
    let out = &mut scratch.line;
    start(out, template.config.color, time, Level::WARN);
    out.push(b' ');
    json::escaped(out, notice.message);
    out.extend_from_slice(&template.keys.event_key(EVENT_NAME));
    json::string(out, notice.event_name, usize::MAX);
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

/// Turns ` message="text"` into ` text`. Escapes stay, so that the text is one line and does not move the cursor.
fn unquote_message(out: &mut Vec<u8>, start: usize) {
    let Some(quote) = out.iter().skip(start).position(|&byte| byte == b'"') else {
        return;
    };
    out.splice(start..=start + quote, [b' ']);
    if out.last() == Some(&b'"') {
        out.pop();
    }
}

/// Escapes characters that JSON allows and terminals act on: C1 controls, line separators, changes of direction.
fn escape_controls(out: &mut Vec<u8>, start: usize) {
    let text = out
        .get(start..)
        .and_then(|text| std::str::from_utf8(text).ok());
    let Some(text) = text.filter(|text| text.contains(is_control)) else {
        return;
    };
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_control(letter) {
            let _ = write!(escaped, "\\u{:04x}", u32::from(letter));
        } else {
            escaped.push(letter);
        }
    }
    out.truncate(start);
    out.extend_from_slice(escaped.as_bytes());
}

fn is_control(letter: char) -> bool {
    matches!(
        letter,
        '\u{80}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// The digits of the trace id that are written: enough to distinguish the traces on a screen.
const SHORT_ID: usize = 8;
