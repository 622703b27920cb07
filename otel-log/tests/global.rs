//! What only shows under a global subscriber: a scoped one is hidden while an event is dispatched, and gone before the
//! locals of a thread are. No test here may set a scoped subscriber.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use std::{cell::RefCell, fmt, sync::OnceLock, thread};

#[cfg(feature = "records")]
use common::records::Records;
use common::{Capture, assert_ids, log_layer, provider, span_layer};
use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt as _},
};
use serde_json::json;
use tracing::{Span, field, info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer as _, filter::filter_fn, layer::SubscriberExt as _, registry};

/// Sets the global subscriber, once for all tests of the file, with `log` records as events.
fn global() -> &'static Capture {
    static CAPTURE: OnceLock<Capture> = OnceLock::new();

    CAPTURE.get_or_init(|| {
        let capture = Capture::default();
        let otel_layer =
            span_layer(&provider()).with_filter(filter_fn(|metadata| metadata.is_span()));
        let subscriber = registry().with(otel_layer).with(log_layer(&capture));
        #[cfg(feature = "records")]
        let subscriber = subscriber.with(otel_log::record_layer(records().logger()));
        tracing::subscriber::set_global_default(subscriber).unwrap();
        tracing_log::LogTracer::init().unwrap();
        capture
    })
}

/// What the same events are as log records.
#[cfg(feature = "records")]
fn records() -> &'static Records {
    static RECORDS: OnceLock<Records> = OnceLock::new();

    RECORDS.get_or_init(Records::default)
}

#[test]
fn log_records_look_like_events() {
    let capture = global();
    let span = info_span!("s", user = "ann");
    span.in_scope(|| {
        log::warn!(target: "legacy::db", "record: {}", 7);
        log::info!("record of this module");
        info!(log.target = "kept", "an event with such a name");
    });
    let line = capture.message("record: 7");
    assert_ids(&line, span.context().span().span_context());
    let mut rest = line;
    for key in ["trace_id", "span_id", "trace_flags"] {
        rest.remove(key);
    }
    let expected = json!({
        "timestamp": "2026-11-22T10:20:30.000456Z", "level": "WARN", "target": "legacy::db", "message": "record: 7",
        "user": "ann",
    });
    assert_eq!(serde_json::Value::Object(rest), expected);
    assert_eq!(capture.message("record of this module")["target"], "global");
    assert_eq!(
        capture.message("an event with such a name")["log.target"],
        "kept"
    );
}

/// Logs when it is formatted.
struct Logs(&'static str);

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half \"a")?;
        info!(inner = true, "{}", self.0);
        f.write_str(" value")
    }
}

#[test]
fn a_debug_that_logs_gives_two_lines() {
    let capture = global();
    let span = info_span!("s", odd = ?Logs("while a span is made"), later = field::Empty);
    let entered = span.enter();
    span.record("later", field::debug(Logs("while a field is recorded")));
    info!(odd = ?Logs("while an event is written"), end = 1, "outer");
    drop(entered);

    for message in ["while a field is recorded", "while an event is written"] {
        assert_eq!(capture.message(message)["inner"], true, "{message}");
        assert_ids(
            &capture.message(message),
            span.context().span().span_context(),
        );
    }
    assert_eq!(capture.message("while a span is made")["inner"], true);
    let outer = capture.message("outer");
    assert_eq!(
        (&outer["odd"], &outer["end"]),
        (&json!("half \"a value"), &json!(1))
    );
    assert_eq!(outer["later"], "half \"a value");
}

/// Logs when its thread ends, with a parent and without.
struct LogsAtExit {
    message: &'static str,
    parent: Span,
}

impl Drop for LogsAtExit {
    fn drop(&mut self) {
        info!(parent: &self.parent, at = "parent", "{}", self.message);
        info!(at = "outside", "{}", self.message);
    }
}

thread_local! {
    static LOCAL: RefCell<Option<LogsAtExit>> = const { RefCell::new(None) };
}

fn log_at_exit(message: &'static str, parent: &Span) {
    let at_exit = LogsAtExit {
        message,
        parent: parent.clone(),
    };
    LOCAL.with(|local| *local.borrow_mut() = Some(at_exit));
}

#[test]
fn logging_while_a_thread_ends_loses_no_line() {
    type Work = fn(&'static str, &Span);

    let capture = global();
    let parent = info_span!("parent");
    parent.in_scope(|| ());
    let none = SpanContext::NONE;
    let known = parent.context().span().span_context().clone();
    // The locals of a thread go in the reverse order of their first use.
    let cases: [(&'static str, Work, &SpanContext); 5] = [
        (
            "after the context, thread with spans",
            |message, parent| {
                log_at_exit(message, parent);
                parent.in_scope(|| info!("warm"));
            },
            &none,
        ),
        (
            "after the context, thread with a line",
            |message, parent| {
                log_at_exit(message, parent);
                info!("warm");
            },
            &none,
        ),
        (
            "after the context, which nothing here knew of",
            |message, parent| {
                log_at_exit(message, parent);
                drop(Context::new().attach());
            },
            &none,
        ),
        (
            "before the context",
            |message, parent| {
                parent.in_scope(|| info!("warm"));
                log_at_exit(message, parent);
            },
            &known,
        ),
        ("thread that did nothing else", log_at_exit, &known),
    ];
    for (name, work, expected) in cases {
        let parent = parent.clone();
        thread::spawn(move || work(name, &parent)).join().unwrap();
        let mut lines = capture.lines();
        lines.retain(|line| line["message"] == name);
        let places: Vec<_> = lines.iter().map(|line| line["at"].clone()).collect();
        assert_eq!(places, ["parent", "outside"], "{name}");
        assert_ids(&lines[0], expected);
        assert_ids(&lines[1], &none);
        #[cfg(feature = "records")]
        {
            // Nothing can be handed on where the context cannot be read.
            let handed_on = if expected.is_valid() { 2 } else { 0 };
            let mut records = records().all();
            records.retain(|record| common::records::text(record.body()) == name);
            assert_eq!(records.len(), handed_on, "{name}");
        }
    }
}
