//! A JSON log line.

mod from_otlp;

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};

pub(crate) use self::from_otlp::from_otlp;
use crate::error::LogLineError;

/// A log line: a JSON object as `otel_log` writes it, or a log record received over OTLP.
///
/// `Display` returns the text that was parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// `None` for a log record received over OTLP.
    text: Option<String>,
    fields: Map<String, Value>,
    /// The fields that the line shares with other lines of its export.
    shared: Option<[Arc<Shared>; 2]>,
}

/// A field of many lines, whose weight is computed once.
#[derive(Debug, PartialEq)]
struct Shared {
    key: &'static str,
    value: Value,
    weight: usize,
}

impl Shared {
    fn new(key: &'static str, value: Value) -> Self {
        let weight = weight(&value);
        Self { key, value, weight }
    }
}

impl LogLine {
    /// Parses a line.
    ///
    /// # Errors
    ///
    /// Returns an error if the line is not a JSON object.
    pub fn parse(line: &str) -> Result<Self, LogLineError> {
        match serde_json::from_str(line) {
            Ok(Value::Object(fields)) => Ok(Self {
                text: Some(line.trim_end().to_owned()),
                fields,
                shared: None,
            }),
            Ok(_) => Err(parse_error(line, "the JSON is not an object")),
            Err(error) => Err(parse_error(line, error)),
        }
    }

    /// Returns the timestamp, or an empty text if the line has none.
    #[must_use]
    pub fn timestamp(&self) -> &str {
        self.text("timestamp").unwrap_or_default()
    }

    /// Returns the level, such as `INFO`, or an empty text if the line has none.
    #[must_use]
    pub fn level(&self) -> &str {
        self.text("level").unwrap_or_default()
    }

    /// Returns the target, or an empty text if the line has none.
    #[must_use]
    pub fn target(&self) -> &str {
        self.text("target").unwrap_or_default()
    }

    /// Returns the message, or an empty text if the line has none.
    #[must_use]
    pub fn message(&self) -> &str {
        self.text("message").unwrap_or_default()
    }

    /// Returns the trace id as written in the line.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.text("trace_id")
    }

    /// Returns the span id as written in the line.
    #[must_use]
    pub fn span_id(&self) -> Option<&str> {
        self.text("span_id")
    }

    /// Returns the trace flags as written in the line.
    #[must_use]
    pub fn trace_flags(&self) -> Option<&str> {
        self.text("trace_flags")
    }

    /// Returns the value of any field.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&Value> {
        match self.fields.get(key) {
            Some(value) => Some(value),
            None => Some(&self.shared().find(|it| it.key == key)?.value),
        }
    }

    /// Returns the service that wrote the line, from the field `resource` or `service.name`.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        let resource = self.field("resource");
        match resource.and_then(|resource| resource.get("service.name")?.as_str()) {
            Some(name) => Some(name),
            None => self.text("service.name"),
        }
    }

    /// Returns all fields.
    #[must_use]
    pub fn fields(&self) -> Map<String, Value> {
        self.each_field()
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .collect()
    }

    pub(crate) fn each_field(&self) -> impl Iterator<Item = (&str, &Value)> {
        let own = self.fields.iter().map(|(key, value)| (key.as_str(), value));
        own.chain(self.shared().map(|it| (it.key, &it.value)))
    }

    /// Returns the estimated size in bytes. It includes the shared fields, since JSON and other output contain them once for
    /// each line.
    pub(crate) fn weight(&self) -> usize {
        let own = match &self.text {
            Some(text) => 3 * text.len(), // the text, and the fields with their overhead
            None => weight_of_fields(&self.fields),
        };
        size_of::<Self>() + own + self.shared().map(|it| it.weight).sum::<usize>()
    }

    fn shared(&self) -> impl Iterator<Item = &Shared> {
        self.shared.iter().flatten().map(|it| &**it)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.field(key)?.as_str()
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => f.write_str(text),
            None => fmt::Display::fmt(&Value::Object(self.fields()), f),
        }
    }
}

fn weight(value: &Value) -> usize {
    let content = match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(weight).sum(),
        Value::Object(fields) => weight_of_fields(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + content
}

fn weight_of_fields(fields: &Map<String, Value>) -> usize {
    let fields = fields.iter();
    fields
        .map(|(key, value)| size_of::<String>() + key.len() + weight(value))
        .sum()
}

fn parse_error(line: &str, reason: impl fmt::Display) -> LogLineError {
    let line: String = line.chars().take(SHOWN).collect();
    LogLineError(format!("not a JSON log line ({reason}): {line:?}"))
}

/// Returns whether a text has `length` lower-case hex digits, as an id must.
pub(crate) fn is_lower_hex(text: &str, length: usize) -> bool {
    text.len() == length
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The characters of an invalid line that an error shows.
const SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_parsed() {
        let line = LogLine::parse(
            r#"{"timestamp":"2026-01-01T00:00:00Z","level":"INFO","target":"shop","message":"sold",
            "trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","trace_flags":"01","pieces":3}"#,
        )
        .unwrap();
        assert_eq!(line.timestamp(), "2026-01-01T00:00:00Z");
        assert_eq!(line.level(), "INFO");
        assert_eq!(line.target(), "shop");
        assert_eq!(line.message(), "sold");
        assert_eq!(line.trace_id(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert_eq!(line.span_id(), Some("00f067aa0ba902b7"));
        assert_eq!(line.trace_flags(), Some("01"));
        assert_eq!(line.field("pieces"), Some(&Value::from(3)));
        assert_eq!(line.field("price"), None);
        assert_eq!(LogLine::parse(&line.to_string()).unwrap(), line);
    }

    #[test]
    fn a_line_is_shown_as_it_was_written() {
        let text = r#"{"message": "sold", "level":"INFO"}"#;
        let line = LogLine::parse(&format!("{text}\r\n")).unwrap();
        assert_eq!(line.to_string(), text);
    }

    #[test]
    fn a_line_without_a_span_has_no_ids() {
        let line = LogLine::parse(r#"{"message":1}"#).unwrap();
        assert_eq!(line.trace_id(), None);
        assert_eq!(line.span_id(), None);
        assert_eq!(line.message(), "", "a number is no message");
    }

    #[test]
    fn other_text_is_an_error_that_shows_the_line() {
        for line in ["", "plain text", "[1]", "{\"a\":1", "{} {}"] {
            let message = LogLine::parse(line).unwrap_err().to_string();
            assert!(message.contains(&format!("{line:?}")), "{message}");
        }
    }
}
