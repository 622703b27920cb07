//! `tracestate`: any number of lines, beside a valid traceparent.

use http::{HeaderMap, HeaderValue};
use opentelemetry::{Context, trace::TraceContextExt as _};
use otel_core::propagation::{TraceContextPropagator, Tracestate, extract, inject};

use crate::headers::{lines_of, text};

pub fn check(data: &[u8]) {
    let mut headers = lines_of("tracestate", data);
    let lines: Vec<&str> = headers
        .values()
        .map(|line| std::str::from_utf8(line.as_bytes()).unwrap_or("?"))
        .collect();
    let parsed = Tracestate::from_lines(lines.iter().copied()).ok();
    if let Some(parsed) = &parsed {
        check_valid(parsed);
    }

    headers.insert("traceparent", HeaderValue::from_static(TRACEPARENT));
    let propagator = TraceContextPropagator::new();
    let cx = extract(&propagator, &Context::new(), &headers);
    let held = cx.span().span_context().trace_state().header();
    assert!(cx.span().span_context().is_valid(), "the trace goes on");

    let mut sent = HeaderMap::new();
    inject(&propagator, &cx, &mut sent);
    assert_eq!(text(&sent, "traceparent"), Some(TRACEPARENT));
    let expected = parsed.as_ref().map(Tracestate::to_string);
    assert_eq!(
        text(&sent, "tracestate"),
        expected.as_deref().filter(|state| !state.is_empty()),
        "a tracestate leaves as it came, an invalid or empty one not at all"
    );
    assert!(
        parsed.is_some() || held.is_empty(),
        "nothing invalid is held"
    );
}

fn check_valid(parsed: &Tracestate) {
    let text = parsed.to_string();
    assert_eq!(text.parse().as_ref(), Ok(parsed), "display is parsed back");
    assert!(parsed.members().count() <= 32);
    for (key, value) in parsed.members() {
        assert!((1..=256).contains(&key.len()), "{key:?}");
        assert!((1..=256).contains(&value.len()), "{value:?}");
        assert!(!value.contains([',', '=']) && !value.ends_with(' '));
    }
}

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
