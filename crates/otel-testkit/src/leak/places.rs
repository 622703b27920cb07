//! All texts of spans and log lines that can come from outside.

use opentelemetry::{KeyValue, trace::Status};
use serde_json::Value;

use super::forms::Needle;
use crate::{log_line::LogLine, span::Span, trace::Trace};

/// A text and its place.
pub(super) struct Place<'a> {
    pub(super) field: &'a str,
    pub(super) text: &'a str,
    owner: Owner<'a>,
}

#[derive(Clone, Copy)]
enum Owner<'a> {
    Span(&'a Span),
    Line(&'a LogLine),
}

impl Place<'_> {
    pub(super) fn describe(&self, needle: &Needle) -> String {
        let (field, service) = match self.owner {
            Owner::Span(span) => {
                let name = needle.conceal(span.name());
                let field = match self.field {
                    "name" | "status" | "tracestate" => self.field.to_owned(),
                    field if field.starts_with("event.") || field.starts_with("link.") => {
                        field.replacen('.', " ", 1)
                    }
                    field => match field.strip_prefix("resource.") {
                        Some(key) => return format!("resource attribute {}", needle.conceal(key)),
                        None => format!("attribute {}", needle.conceal(field)),
                    },
                };
                (format!("{field} of span {name:?}"), span.service())
            }
            Owner::Line(line) => {
                let message = needle.conceal(line.message());
                let field = needle.conceal(self.field.trim_start_matches("log."));
                (format!("{field} of log line {message:?}"), line.service())
            }
        };
        match service {
            Some(service) => format!("{field} ({})", needle.conceal(service)),
            None => field,
        }
    }
}

/// Calls `visit` with each text. Keys are texts too, since they can come from outside.
pub(super) fn each_place(traces: &[Trace], logs: &[LogLine], visit: &mut dyn FnMut(Place<'_>)) {
    for span in traces.iter().flat_map(Trace::spans) {
        let mut visit = |field: &str, text: &str| {
            let owner = Owner::Span(span);
            visit(Place { field, text, owner });
        };
        visit("name", span.name());
        if let Status::Error { description } = span.status() {
            visit("status", description);
        }
        visit("tracestate", span.trace_state());
        each_attribute("", span.attributes(), &mut visit);
        for event in span.events() {
            visit("event.name", &event.name);
            each_attribute("event.", &event.attributes, &mut visit);
        }
        for link in span.links() {
            visit("link.tracestate", &link.span_context.trace_state().header());
            each_attribute("link.", &link.attributes, &mut visit);
        }
        each_attribute("resource.", span.resource(), &mut visit);
    }
    for line in logs {
        for (key, value) in line.each_field() {
            let field = &format!("log.{key}");
            let mut visit = |text: &str| {
                let owner = Owner::Line(line);
                visit(Place { field, text, owner });
            };
            visit(key);
            each_text(value, &mut visit);
        }
    }
}

fn each_attribute(prefix: &str, attributes: &[KeyValue], visit: &mut impl FnMut(&str, &str)) {
    for attribute in attributes {
        let key = attribute.key.as_str();
        let field = format!("{prefix}{key}");
        visit(&field, key);
        // The text form of a list contains each of its texts unchanged.
        visit(&field, &attribute.value.as_str());
    }
}

fn each_text(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Number(number) => visit(&number.to_string()),
        Value::Array(values) => {
            for value in values {
                each_text(value, visit);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                visit(key);
                each_text(value, visit);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}
