//! The sentence of the specification that a broken value breaks.

use otel_core::propagation::ParseError;

pub(crate) fn of(error: &ParseError) -> &'static str {
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
            "W3C Trace Context, 3.2.2.5 trace-flags: two lower-case hex digits, the last of version 00"
        }
        ("traceparent", _) => {
            "W3C Trace Context, 3.2.2.2 version format: version-traceid-parentid-flags, 55 characters"
        }
        ("tracestate", "key") => {
            "W3C Trace Context, 3.3 tracestate key: a letter or digit, then up to 255 of a-z 0-9 _ - * / @"
        }
        ("tracestate", "value") => {
            "W3C Trace Context, 3.3 tracestate value: up to 256 printable ASCII characters, no comma, no '=', no blank at the end"
        }
        ("tracestate", _) => {
            "W3C Trace Context, 3.3 tracestate list: up to 32 members key=value, separated by commas"
        }
        ("baggage", "key") => "W3C Baggage, 3.3 key: a token (RFC 9110, 5.6.2)",
        ("baggage", "value" | "property") => {
            "W3C Baggage, 3.3 value: printable ASCII without blank, '\"', ',', ';' and '\\'; the rest percent-encoded"
        }
        ("baggage", _) => {
            "W3C Baggage, 3.3 list: up to 64 members key=value and 8192 bytes, separated by commas"
        }
        ("b3", _) => {
            "B3, single header: {trace id of 16 or 32}-{span id of 16}[-{0, 1 or d}[-{parent of 16}]], lower-case hex; or a state alone"
        }
        ("x-b3-traceid", _) => {
            "B3, TraceId: 16 or 32 lower-case hex digits, not all zero, together with X-B3-SpanId"
        }
        ("x-b3-spanid" | "x-b3-parentspanid", _) => {
            "B3, SpanId: 16 lower-case hex digits, not all zero, together with X-B3-TraceId"
        }
        ("x-b3-sampled", _) => "B3, Sampling State: 1 or 0",
        _ => "of its format",
    }
}

pub(crate) const ONE_VALUE: &str = "sent more than once: receivers take that as none";
