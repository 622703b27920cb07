//! Log lines from OTLP log records, with the fields that `otel_log` writes.

use std::sync::Arc;

use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, KeyValue},
    logs::v1::LogRecord,
};
use serde_json::{Map, Value};

use super::{LogLine, Shared};
use crate::{
    otlp_value::{hex, json},
    time::rfc3339,
};

/// Converts the log records of an export request one by one. The field `resource` has the attributes of the resource.
///
/// Lines share their scope and resource, since a request may have a scope of a megabyte with thousands of empty records.
pub(crate) fn from_otlp(request: ExportLogsServiceRequest) -> impl Iterator<Item = LogLine> {
    request.resource_logs.into_iter().flat_map(|it| {
        let resource = fields(it.resource.unwrap_or_default().attributes);
        let resource = Arc::new(Shared::new("resource", Value::Object(resource)));
        it.scope_logs.into_iter().flat_map(move |it| {
            let scope = Value::String(it.scope.unwrap_or_default().name);
            let scope = Arc::new(Shared::new("target", scope));
            let shared = [scope, Arc::clone(&resource)];
            let records = it.log_records.into_iter();
            records.map(move |record| line(record, &shared))
        })
    })
}

fn line(record: LogRecord, shared: &[Arc<Shared>; 2]) -> LogLine {
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
    line.insert("message".to_owned(), any(record.body));
    if record.trace_id.len() == 16 && record.span_id.len() == 8 {
        line.insert("trace_id".to_owned(), hex(&record.trace_id).into());
        line.insert("span_id".to_owned(), hex(&record.span_id).into());
        let flags = format!("{:02x}", record.flags & 0xff);
        line.insert("trace_flags".to_owned(), flags.into());
    }
    for (key, value) in fields(record.attributes) {
        // An attribute must not replace one of the fields above.
        let is_taken = line.contains_key(&key) || shared.iter().any(|it| it.key == key);
        let key = if is_taken {
            format!("attributes.{key}")
        } else {
            key
        };
        line.insert(key, value);
    }
    LogLine {
        text: None,
        fields: line,
        shared: Some(shared.clone()),
    }
}

fn fields(attributes: Vec<KeyValue>) -> Map<String, Value> {
    let attributes = attributes.into_iter();
    attributes.map(|it| (it.key, any(it.value))).collect()
}

fn any(value: Option<AnyValue>) -> Value {
    json(value.and_then(|any| any.value))
}

/// Returns the name of a severity (log data model, "Mapping of `SeverityNumber`").
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
