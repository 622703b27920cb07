//! A layer written by hand for the bytes of this bench alone: what a line must cost in this registry.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::hint::black_box;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::Context as OtelContext;
use opentelemetry::trace::TraceContextExt as _;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// The layer that all are measured over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nothing;

impl<S: Subscriber> Layer<S> for Nothing {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        black_box(event);
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Floor {}

/// A span's fields as the text they are in a line.
struct Text(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Floor {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let mut text = String::new();
        attributes.record(&mut Fields(&mut text));
        if let Some(span) = ctx.span(id) {
            span.extensions_mut().insert(Text(text));
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        LINE.with_borrow_mut(|line| {
            line.clear();
            line.push_str("{\"timestamp\":\"");
            time(line);
            line.push_str("\",\"level\":\"");
            line.push_str(event.metadata().level().as_str());
            line.push_str("\",\"target\":\"");
            line.push_str(event.metadata().target());
            line.push('"');
            event.record(&mut Fields(line));
            for span in ctx.event_scope(event).into_iter().flatten() {
                if let Some(Text(text)) = span.extensions().get() {
                    line.push_str(text);
                }
            }
            OtelContext::map_current(|context| {
                let span = context.span();
                let ids = span.span_context();
                let flags = ids.trace_flags().to_u8();
                line.push_str(",\"trace_id\":\"");
                hex(line, &ids.trace_id().to_bytes());
                line.push_str("\",\"span_id\":\"");
                hex(line, &ids.span_id().to_bytes());
                line.push_str("\",\"trace_flags\":\"");
                hex(line, &[flags]);
                line.push('"');
            });
            line.push_str("}\n");
            black_box(line.as_bytes());
        });
    }
}

struct Fields<'a>(&'a mut String);

impl Fields<'_> {
    fn key(&mut self, field: &Field) {
        self.0.push_str(",\"");
        self.0.push_str(field.name());
        self.0.push_str("\":");
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.key(field);
        self.0.push_str(ryu::Buffer::new().format_finite(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.key(field);
        self.0.push_str(itoa::Buffer::new().format(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.key(field);
        self.0.push_str(itoa::Buffer::new().format(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.key(field);
        self.0.push_str(if value { "true" } else { "false" });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.key(field);
        self.0.push('"');
        escaped(self.0, value);
        self.0.push('"');
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.key(field);
        self.0.push('"');
        let _ = write!(Escaper(self.0), "{value:?}");
        self.0.push('"');
    }
}

struct Escaper<'a>(&'a mut String);

impl fmt::Write for Escaper<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escaped(self.0, text);
        Ok(())
    }
}

/// Quotes and backslashes only: nothing else is in the lines of this bench.
fn escaped(line: &mut String, mut text: &str) {
    while let Some(at) = text
        .bytes()
        .position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
    {
        line.push_str(&text[..at]);
        line.push('\\');
        line.push_str(&text[at..=at]);
        text = &text[at + 1..];
    }
    line.push_str(text);
}

fn hex(line: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 0xf] {
            line.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
}

fn time(line: &mut String) {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    digits(line, year, 1000);
    line.push('-');
    digits(line, month, 10);
    line.push('-');
    digits(line, day, 10);
    line.push('T');
    digits(line, second / 3600, 10);
    line.push(':');
    digits(line, second / 60 % 60, 10);
    line.push(':');
    digits(line, second % 60, 10);
    line.push('.');
    digits(line, u64::from(since.subsec_micros()), 100_000);
    line.push('Z');
}

fn digits(line: &mut String, value: u64, mut place: u64) {
    while place > 0 {
        line.push(char::from(b'0' + (value / place % 10) as u8));
        place /= 10;
    }
}

thread_local! {
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
}
