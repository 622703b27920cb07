//! Lines and records read the fields of a span from one store, which the first layer fills.

#![cfg(feature = "records")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use std::{cell::Cell, fmt};

use common::{Capture, log_layer, records::Records, tracer};
use opentelemetry::{Context, logs::AnyValue};
use opentelemetry_sdk::logs::SdkLogRecord;
use otel_core::span_access::hand_over;
use serde_json::{Map, Value, json};
use tracing::{Dispatch, Span, dispatcher, field, info, info_span};
use tracing_subscriber::{Layer as _, layer::SubscriberExt as _, registry, reload};

/// The fields of a line, without those of every line.
fn fields(mut line: Map<String, Value>) -> Value {
    let own = [
        "timestamp",
        "level",
        "target",
        "message",
        "trace_id",
        "span_id",
        "trace_flags",
    ];
    line.retain(|key, _| !own.contains(&key.as_str()));
    Value::Object(line)
}

fn attributes(record: &SdkLogRecord) -> Value {
    let attributes = record.attributes_iter();
    let attributes = attributes.map(|(key, value)| {
        let value = match value {
            AnyValue::Int(value) => json!(value),
            AnyValue::Double(value) => json!(value),
            AnyValue::String(value) => json!(value.as_str()),
            other => panic!("{other:?}"),
        };
        (key.to_string(), value)
    });
    Value::Object(attributes.collect())
}

/// Counts how often the value is formatted.
struct Counted<'a>(&'a Cell<u32>);

impl fmt::Debug for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.set(self.0.get() + 1);
        f.write_str("counted \"once\"")
    }
}

/// Runs `f` under each order of the line layer and the record layer, before and after the OpenTelemetry layer.
fn in_each_order(f: impl Fn(&str, &Capture, &Records)) {
    for order in ["lines, records", "records, lines"] {
        for otel_first in [true, false] {
            let (capture, records) = (Capture::default(), Records::default());
            let lines = log_layer(&capture).boxed();
            let of_records = otel_log::record_layer(records.logger()).boxed();
            let otel = tracing_opentelemetry::layer().with_tracer(tracer()).boxed();
            let mut layers = match order {
                "lines, records" => vec![lines, of_records],
                _ => vec![of_records, lines],
            };
            layers.insert(if otel_first { 0 } else { 2 }, otel);
            let subscriber: Dispatch = registry().with(layers).into();
            let name = format!("{order}, OpenTelemetry first: {otel_first}");
            dispatcher::with_default(&subscriber, || f(&name, &capture, &records));
        }
    }
}

#[test]
fn a_field_is_formatted_once_for_lines_and_records() {
    in_each_order(|order, capture, records| {
        // tracing-opentelemetry formats each field once for itself.
        let formatted = Cell::new(0);
        let span = info_span!("s", counted = ?Counted(&formatted), n = 7, later = field::Empty);
        assert_eq!(formatted.get(), 2, "{order}");
        span.in_scope(|| info!("before"));
        span.record("later", 0.5);
        span.record("n", 8);
        span.in_scope(|| info!("after"));
        assert_eq!(formatted.get(), 2, "{order}");

        let before = json!({"counted": "counted \"once\"", "n": 7});
        let after = json!({"counted": "counted \"once\"", "later": 0.5, "n": 8});
        assert_eq!(fields(capture.message("before")), before, "{order}");
        assert_eq!(attributes(&records.body("before")), before, "{order}");
        assert_eq!(fields(capture.message("after")), after, "{order}");
        assert_eq!(attributes(&records.body("after")), after, "{order}");
        assert!(
            capture.text().contains(r#""later":0.5,"n":8"#),
            "{order}: in the order in which they were recorded"
        );
    });
}

#[test]
fn a_text_is_the_same_in_each_line() {
    in_each_order(|order, capture, _| {
        let span = info_span!(
            "s",
            plain = "word",
            quoted = "a \"word\"",
            long = field::Empty
        );
        for round in 0..3 {
            span.record("long", "tab\t".repeat(round));
            span.in_scope(|| info!("round {round}"));
        }
        for round in 0..3 {
            let expected =
                json!({"plain": "word", "quoted": "a \"word\"", "long": "tab\t".repeat(round)});
            let line = capture.message(&format!("round {round}"));
            assert_eq!(fields(line), expected, "{order}");
        }
    });
}

#[test]
fn layers_with_different_limits_share_a_text() {
    let (short, whole) = (Capture::default(), Capture::default());
    // The cut text with its mark is as long as the text, although it has an escape.
    let text = "\"quoted\" text";
    let subscriber = registry()
        .with(log_layer(&short).value_limit(text.len() - "…[cut]".len() - 1))
        .with(log_layer(&whole));
    tracing::subscriber::with_default(subscriber, || {
        let _span = info_span!("s", text).entered();
        info!("1");
        info!("2");
    });
    for line in whole.lines() {
        assert_eq!(fields(line), json!({"text": text}));
    }
    for line in short.lines() {
        assert_eq!(fields(line), json!({"text": "\"quo…[cut]"}));
    }
}

#[test]
fn a_layer_that_is_added_later_reads_the_store_of_the_others() {
    let (lines, handle) = reload::Layer::new(None::<otel_log::Layer<Capture>>);
    let (capture, records) = (Capture::default(), Records::default());
    let subscriber = registry()
        .with(lines)
        .with(otel_log::record_layer(records.logger()));
    tracing::subscriber::with_default(subscriber, || {
        let older = info_span!("older", n = 1, later = field::Empty);
        handle.reload(Some(log_layer(&capture))).unwrap();
        older.record("later", "text");
        older.in_scope(|| info!("x"));
    });
    let expected = json!({"n": 1, "later": "text"});
    assert_eq!(fields(capture.line()), expected);
    assert_eq!(attributes(&records.one()), expected);
}

#[test]
fn a_layer_that_is_added_later_keeps_what_it_sees_of_older_spans() {
    let (lines, handle) = reload::Layer::new(None::<otel_log::Layer<Capture>>);
    let capture = Capture::default();
    // Another layer enables the span: `None` on its own would not.
    let otel = tracing_opentelemetry::layer().with_tracer(tracer());
    let subscriber = registry().with(otel).with(lines);
    tracing::subscriber::with_default(subscriber, || {
        let older = info_span!("older", n = 1, later = field::Empty);
        let entered = info_span!("entered", later = field::Empty).entered();
        handle.reload(Some(log_layer(&capture))).unwrap();
        older.record("later", "text");
        info!(parent: &older, "recorded");
        older.in_scope(|| info!("again"));
        entered.record("later", 2);
        info!("entered");
        info_span!("newer", n = 1).in_scope(|| info!("newer"));
    });
    assert_eq!(
        fields(capture.message("recorded")),
        json!({"later": "text"})
    );
    assert_eq!(fields(capture.message("again")), json!({"later": "text"}));
    assert_eq!(fields(capture.message("entered")), json!({"later": 2}));
    assert_eq!(fields(capture.message("newer")), json!({"n": 1}));
}

#[test]
fn the_fields_of_a_span_that_is_handed_over_are_not_written() {
    in_each_order(|order, capture, records| {
        let request = hand_over(Context::new(), || {
            info_span!("request", method = "GET", path = "/", route = field::Empty)
        });
        let inner = |request: &Span| info_span!(parent: request, "inner", n = 1);
        request.record("route", "/");
        request.in_scope(|| {
            info!("request");
            inner(&request).in_scope(|| info!("inner"));
        });
        assert_eq!(fields(capture.message("request")), json!({}), "{order}");
        assert_eq!(attributes(&records.body("request")), json!({}), "{order}");
        let expected = json!({"n": 1});
        assert_eq!(fields(capture.message("inner")), expected, "{order}");
        assert_eq!(attributes(&records.body("inner")), expected, "{order}");
    });
}
