//! An error in a header, and the rule of the specification that the header breaks.

use otel_core::propagation::ParseError;

/// An error in a header.
#[derive(Debug)]
pub(super) struct Problem {
    /// The position of the error in the value, in bytes.
    pub(super) position: usize,
    pub(super) message: String,
    /// The section of the specification and its requirement.
    pub(super) rule: &'static str,
}

impl Problem {
    /// Creates the problem of a header that was sent several times although it has one value.
    pub(super) fn repeated() -> Self {
        Self {
            position: 0,
            message: "the header appears more than once; send it once".to_owned(),
            rule: "a header with several values counts as missing",
        }
    }
}

impl From<ParseError> for Problem {
    fn from(error: ParseError) -> Self {
        let message = error.to_string();
        let prefix = format!("{}: ", error.field());
        Self {
            position: error.position(),
            message: message.strip_prefix(&prefix).unwrap_or(&message).to_owned(),
            rule: rule(&error),
        }
    }
}

/// Returns the rule of the specification that a value breaks.
fn rule(error: &ParseError) -> &'static str {
    match (error.field(), error.part()) {
        ("traceparent", "version") => {
            "W3C Trace Context, 3.2.2.1 version: two lower-case hex digits, not ff"
        }
        ("traceparent", "trace-id") => {
            "W3C Trace Context, 3.2.2.3 trace-id: 32 lower-case hex digits, not all zero"
        }
        ("traceparent", "parent-id") => {
            "W3C Trace Context, 3.2.2.4 parent-id: 16 lower-case hex digits, not all zero"
        }
        ("traceparent", "flags") => {
            "W3C Trace Context, 3.2.2.5 trace-flags: two lower-case hex digits; the last field in version 00"
        }
        ("traceparent", _) => {
            "W3C Trace Context, 3.2.2.2 version format: version-traceid-parentid-flags, 55 characters"
        }
        ("tracestate", "key") => {
            "W3C Trace Context, 3.3 tracestate key: a letter or digit, then up to 255 of a-z 0-9 _ - * / @"
        }
        ("tracestate", "value") => {
            "W3C Trace Context, 3.3 tracestate value: up to 256 printable ASCII characters, no comma, no '=', no space at the end"
        }
        ("tracestate", _) => {
            "W3C Trace Context, 3.3 tracestate list: up to 32 members key=value, separated by commas"
        }
        ("baggage", "key") => "W3C Baggage, 3.3 key: a token (RFC 9110, 5.6.2)",
        ("baggage", "value" | "property") => {
            "W3C Baggage, 3.3 value: printable ASCII without space, '\"', ',', ';' and '\\'; the rest percent-encoded"
        }
        ("baggage", _) => {
            "W3C Baggage, 3.3 list: up to 64 members key=value and 8192 bytes, separated by commas"
        }
        ("b3", _) => {
            "B3, single header: {trace id of 16 or 32}-{span id of 16}[-{0, 1 or d}[-{parent of 16}]], lower-case hex; or only the state"
        }
        ("x-b3-traceid", _) => {
            "B3, TraceId: 16 or 32 lower-case hex digits, not all zero, together with X-B3-SpanId"
        }
        ("x-b3-spanid" | "x-b3-parentspanid", _) => {
            "B3, SpanId: 16 lower-case hex digits, not all zero, together with X-B3-TraceId"
        }
        ("x-b3-sampled", _) => "B3, Sampling State: 1 or 0",
        _ => "the header's format",
    }
}
