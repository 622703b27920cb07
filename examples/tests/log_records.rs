//! The demo's lines, read as OpenTelemetry reads JSON logs, are log records of the right spans.
//!
//! The rules are those of
//! <https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/> for `trace_id`, `span_id` and
//! `trace_flags` at the top level, and of the log data model for time, severity and body.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod common;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};
use serde_json::{Map, Value};

use common::{Shop, assert_chain, get};

#[test]
fn each_line_is_a_log_record_of_the_span_it_was_written_in() {
    let shop = Shop::open(&[]);
    assert_eq!(get(&format!("{}/checkout/breakfast", shop.url)), 200);
    let traces = shop.wait_for_spans(5);
    let [gateway, pricing] = shop.close();
    let [server, business, _, quote, select] = assert_chain(&traces[0]);

    let lines = gateway.iter().chain(&pricing);
    let records: Vec<LogRecord> = lines.map(|line| record(line.fields())).collect();
    for (body, span) in [
        ("checkout started", server),
        ("cart priced", business),
        ("price looked up", select),
        ("quoted", quote),
    ] {
        let record = records.iter().find(|record| text(&record.body) == body);
        let record = record.unwrap_or_else(|| panic!("no record {body:?}"));
        assert_eq!(record.trace_id, span.trace_id().to_bytes(), "{body}");
        assert_eq!(record.span_id, span.span_id().to_bytes(), "{body}");
        assert_eq!(record.flags & 1, 1, "{body}: the demo samples all");
        assert_eq!(record.severity_number(), SeverityNumber::Info, "{body}");
        assert_eq!(record.severity_text, "INFO", "{body}");
        let (start, end) = (nanos(span.start()), nanos(span.end()));
        let time = record.time_unix_nano;
        // The line has microseconds.
        assert!(
            (start / 1_000 * 1_000..=end).contains(&time),
            "{body}: {start} {time} {end}"
        );
    }
}

fn nanos(time: std::time::SystemTime) -> u64 {
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_nanos()).unwrap()
}

/// A line as a collector's JSON parser reads it: what it knows by name, and the rest as attributes.
fn record(mut line: Map<String, Value>) -> LogRecord {
    let mut take = |name: &str| {
        line.remove(name)
            .map(|value| value.as_str().unwrap().to_owned())
    };
    let level = take("level").unwrap();
    let severity = match level.as_str() {
        "TRACE" => SeverityNumber::Trace,
        "DEBUG" => SeverityNumber::Debug,
        "INFO" => SeverityNumber::Info,
        "WARN" => SeverityNumber::Warn,
        "ERROR" => SeverityNumber::Error,
        other => panic!("severity {other:?}"),
    };
    let time = rfc3339(&take("timestamp").unwrap());
    let flags = take("trace_flags").map_or(0, |flags| u32::from_str_radix(&flags, 16).unwrap());
    LogRecord {
        time_unix_nano: time,
        severity_number: severity.into(),
        severity_text: level,
        body: take("message").map(any),
        trace_id: take("trace_id").map_or_else(Vec::new, |id| bytes(&id, 16)),
        span_id: take("span_id").map_or_else(Vec::new, |id| bytes(&id, 8)),
        flags,
        attributes: line
            .into_iter()
            .map(|(key, value)| KeyValue {
                key,
                value: Some(any(value.to_string())),
                ..KeyValue::default()
            })
            .collect(),
        ..LogRecord::default()
    }
}

fn any(text: String) -> AnyValue {
    AnyValue {
        value: Some(any_value::Value::StringValue(text)),
    }
}

fn text(value: &Option<AnyValue>) -> &str {
    match value {
        Some(AnyValue {
            value: Some(any_value::Value::StringValue(text)),
        }) => text,
        _ => "",
    }
}

fn bytes(hex: &str, length: usize) -> Vec<u8> {
    assert_eq!(hex.len(), 2 * length, "{hex}");
    assert_eq!(hex, hex.to_lowercase());
    (0..length)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

/// `YYYY-MM-DDThh:mm:ss.ffffffZ` in nanoseconds since 1970.
fn rfc3339(text: &str) -> u64 {
    assert!(text.len() == 27 && text.ends_with('Z'), "{text}");
    let number = |from: usize, to: usize| text[from..to].parse::<u64>().unwrap();
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let days_of_years: u64 = (1970..year)
        .map(|year| 365 + u64::from(is_leap(year)))
        .sum();
    let february = 28 + u64::from(is_leap(year));
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days_of_months: u64 = months.iter().take(month as usize - 1).sum();
    let days = days_of_years + days_of_months + day - 1;
    let seconds = ((days * 24 + number(11, 13)) * 60 + number(14, 16)) * 60 + number(17, 19);
    (seconds * 1_000_000 + number(20, 26)) * 1_000
}
