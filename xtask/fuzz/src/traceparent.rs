//! `traceparent`: one line of it each.

use http::HeaderMap;
use opentelemetry::{
    Context,
    trace::{SpanId, TraceContextExt as _, TraceId},
};
use otel_core::propagation::{TraceContextPropagator, Traceparent, extract, inject};

use crate::headers::{lines_of, text};

pub fn check(data: &[u8]) {
    let parsed = std::str::from_utf8(data).ok().and_then(parse);
    let headers = lines_of("traceparent", data);
    let propagator = TraceContextPropagator::new();
    let cx = extract(&propagator, &Context::new(), &headers);
    let span = cx.span().span_context().clone();

    let mut sent = HeaderMap::new();
    inject(&propagator, &cx, &mut sent);
    let Some(sent) = text(&sent, "traceparent") else {
        assert!(!span.is_valid(), "a valid parent is sent on");
        assert_eq!(span.trace_id(), TraceId::INVALID);
        assert_eq!(span.span_id(), SpanId::INVALID);
        // A higher version may go on with bytes that no header can hold.
        let is_header = headers.len() == 1 && headers["traceparent"].as_bytes() == data;
        assert!(parsed.is_none() || !is_header, "what parses is extracted");
        return;
    };
    assert!(span.is_valid() && span.is_remote());
    assert_eq!(headers.len(), 1, "two lines are no traceparent");
    let received = std::str::from_utf8(headers["traceparent"].as_bytes()).expect("it was read");
    let received = received.trim_matches([' ', '\t']);
    assert_eq!(
        parse(received).map(|it| it.to_string()).as_deref(),
        Some(sent)
    );
}

/// Parses, and checks what holds for whatever parses.
fn parse(value: &str) -> Option<Traceparent> {
    let parsed: Traceparent = match value.parse() {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(error.position() <= value.len(), "{error} in {value:?}");
            return None;
        }
    };
    assert_ne!(parsed.trace_id(), TraceId::INVALID);
    assert_ne!(parsed.parent_id(), SpanId::INVALID);
    let text = parsed.to_string();
    assert_eq!(text.parse(), Ok(parsed), "display is parsed back");
    assert_eq!(text.len(), 55);
    assert_eq!(text[3..53], value[3..53], "ids stay byte by byte");
    assert!(!value.starts_with("ff"));
    assert!(value.len() == 55 || !value.starts_with("00"));
    Some(parsed)
}
