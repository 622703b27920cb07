//! From OTLP log records, which a stranger may have sent, to lines as `otel_log` writes them.

use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, KeyValue},
    logs::v1::LogRecord,
};
use serde_json::{Map, Value};

use super::LogLine;
use crate::{
    span::{any_to_json, hex},
    time::rfc3339,
};

/// Converts an export request. What the sender knows of itself is in the field `resource`.
pub(crate) fn from_otlp(request: ExportLogsServiceRequest) -> Vec<LogLine> {
    let mut lines = Vec::new();
    for resource_logs in request.resource_logs {
        let resource = resource_logs.resource.unwrap_or_default();
        let resource = Value::Object(fields(resource.attributes));
        for scope_logs in resource_logs.scope_logs {
            let scope = scope_logs.scope.unwrap_or_default().name;
            let records = scope_logs.log_records.into_iter();
            lines.extend(records.map(|record| line(record, &scope, &resource)));
        }
    }
    lines
}

fn line(record: LogRecord, scope: &str, resource: &Value) -> LogLine {
    let mut line = Map::new();
    let time = match record.time_unix_nano {
        0 => record.observed_time_unix_nano,
        time => time,
    };
    line.insert("timestamp".to_owned(), rfc3339(time).into());
    let level = match record.severity_text.as_str() {
        "" => level(record.severity_number),
        text => text,
    };
    line.insert("level".to_owned(), level.into());
    line.insert("target".to_owned(), scope.into());
    line.insert("message".to_owned(), any(record.body));
    if record.trace_id.len() == 16 && record.span_id.len() == 8 {
        line.insert("trace_id".to_owned(), hex(&record.trace_id).into());
        line.insert("span_id".to_owned(), hex(&record.span_id).into());
        let flags = format!("{:02x}", record.flags & 0xff);
        line.insert("trace_flags".to_owned(), flags.into());
    }
    for (key, value) in fields(record.attributes) {
        // An attribute does not pass itself off as one of the fields above.
        let taken = line.contains_key(&key) || key == "resource";
        let key = if taken {
            format!("attributes.{key}")
        } else {
            key
        };
        line.insert(key, value);
    }
    line.insert("resource".to_owned(), resource.clone());
    LogLine::from_fields(line)
}

fn fields(attributes: Vec<KeyValue>) -> Map<String, Value> {
    let attributes = attributes.into_iter();
    attributes.map(|it| (it.key, any(it.value))).collect()
}

fn any(value: Option<AnyValue>) -> Value {
    any_to_json(value.and_then(|any| any.value))
}

/// The ranges of the log data model ("Mapping of `SeverityNumber`").
fn level(number: i32) -> &'static str {
    match number {
        1..=4 => "TRACE",
        5..=8 => "DEBUG",
        9..=12 => "INFO",
        13..=16 => "WARN",
        17..=20 => "ERROR",
        21..=24 => "FATAL",
        _ => "",
    }
}
