//! A trace as a JSON object.

use std::time::{Duration, SystemTime};

use opentelemetry::{KeyValue, Value as AttributeValue, trace::Status};
use serde_json::{Map, Value, json};

use crate::{
    log_line::LogLine,
    span::{Span, kind_name},
    time::rfc3339,
    trace::{Trace, time_range},
};

impl Trace {
    /// Returns the trace as a JSON object: its spans in the order they started, the gaps between services, and the log lines
    /// with its trace id.
    ///
    /// `start` is RFC 3339. Other times are in nanoseconds; `at` counts from the start of the trace.
    #[must_use]
    pub fn to_json(&self, logs: &[LogLine]) -> Value {
        let (start, duration) = time_range(self.spans());
        let since_epoch = start.duration_since(SystemTime::UNIX_EPOCH);
        let id = self.id().to_string();
        let logs = logs.iter().filter(|line| line.trace_id() == Some(&id));
        let spans = self.spans().iter().map(|span| span_json(span, start));
        let gaps = self.gaps().into_iter().map(|gap| {
            json!({
                "client": gap.client.span_id().to_string(),
                "server": gap.server.span_id().to_string(),
                "before": nanos(gap.before()),
                "after": nanos(gap.after()),
            })
        });
        json!({
            "trace_id": id,
            "start": rfc3339(nanos(since_epoch.unwrap_or_default())),
            "duration": nanos(duration),
            "spans": spans.collect::<Vec<_>>(),
            "gaps": gaps.collect::<Vec<_>>(),
            "logs": logs.map(LogLine::fields).collect::<Vec<_>>(),
        })
    }
}

fn span_json(span: &Span, start: SystemTime) -> Value {
    let at = |time: SystemTime| nanos(time.duration_since(start).unwrap_or_default());
    let events = span.events().iter().map(|event| {
        json!({
            "name": event.name,
            "at": at(event.timestamp),
            "attributes": attributes(&event.attributes),
        })
    });
    let links = span.links().iter().map(|link| {
        json!({
            "trace_id": link.span_context.trace_id().to_string(),
            "span_id": link.span_context.span_id().to_string(),
            "attributes": attributes(&link.attributes),
        })
    });
    let (status, description) = match span.status() {
        Status::Unset => ("UNSET", ""),
        Status::Ok => ("OK", ""),
        Status::Error { description } => ("ERROR", &**description),
    };
    json!({
        "span_id": span.span_id().to_string(),
        "parent_span_id": span.parent_span_id().map(|id| id.to_string()),
        "name": span.name(),
        "kind": kind_name(span.kind()),
        "service": span.service(),
        "scope": span.scope(),
        "at": at(span.start()),
        "duration": nanos(span.duration()),
        "status": status,
        "description": description,
        "trace_state": span.trace_state(),
        "attributes": attributes(span.attributes()),
        "resource": attributes(span.resource()),
        "events": events.collect::<Vec<_>>(),
        "links": links.collect::<Vec<_>>(),
    })
}

fn attributes(attributes: &[KeyValue]) -> Map<String, Value> {
    let attributes = attributes.iter();
    attributes
        .map(|it| (it.key.as_str().to_owned(), value(&it.value)))
        .collect()
}

fn value(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::Bool(value) => (*value).into(),
        AttributeValue::I64(value) => (*value).into(),
        AttributeValue::F64(value) => (*value).into(),
        AttributeValue::String(text) => text.as_str().into(),
        // As text, such as `["a","b"]`.
        other => other.as_str().into_owned().into(),
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{checkout, trace};

    #[test]
    fn a_trace_keeps_its_tree_times_gaps_and_lines() {
        let trace = trace(checkout());
        let mine = format!(r#"{{"message":"mine","trace_id":"{}"}}"#, trace.id());
        let logs = [
            LogLine::parse(&mine).unwrap(),
            LogLine::parse(r#"{"message":"no trace"}"#).unwrap(),
        ];
        let json = trace.to_json(&logs);
        assert_eq!(json["trace_id"], trace.id().to_string());
        assert_eq!(json["duration"], 12_300_000);
        assert_eq!(json["spans"].as_array().unwrap().len(), 5);
        let server = &json["spans"][3];
        assert_eq!(server["name"], "GET /quote/{sku}");
        assert_eq!(server["parent_span_id"], "0000000000000003");
        assert_eq!(server["at"], 4_700_000);
        assert_eq!(server["attributes"]["http.response.status_code"], 200);
        assert_eq!(json["gaps"][0]["before"], 4_000_000);
        assert_eq!(json["gaps"][0]["after"], 4_900_000);
        assert_eq!(json["logs"].as_array().unwrap().len(), 1);
    }
}
