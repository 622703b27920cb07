//! B3: the single form as a value, and the head of a request with both forms.

use http::HeaderMap;
use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceId},
};
use otel_core::propagation::{
    B3, B3Propagator, B3Sampling, CompositePropagator, TraceContextPropagator, extract, inject,
};

use crate::headers::{head, text};

pub fn check(data: &[u8]) {
    if let Ok(value) = std::str::from_utf8(data) {
        check_single(value);
    }
    check_head(&head(data));
}

fn check_single(value: &str) {
    let parsed: B3 = match value.parse() {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(error.position() <= value.len(), "{error} in {value:?}");
            return;
        }
    };
    assert_eq!(
        parsed.to_string().parse(),
        Ok(parsed),
        "display is parsed back"
    );
    match parsed.ids() {
        Some((trace_id, span_id)) => {
            assert_ne!(trace_id, TraceId::INVALID);
            assert_ne!(span_id, SpanId::INVALID);
        }
        None => assert_ne!(parsed.sampling(), B3Sampling::Defer, "it would say nothing"),
    }
    assert_ne!(parsed.parent_span_id(), Some(SpanId::INVALID));
}

fn check_head(headers: &HeaderMap) {
    let received = extract(&B3Propagator::single(), &Context::new(), headers);
    let span = received.span().span_context().clone();
    assert_eq!(
        span.trace_id() == TraceId::INVALID,
        span.span_id() == SpanId::INVALID
    );

    for propagator in [
        B3Propagator::single(),
        B3Propagator::multi(),
        B3Propagator::both(),
    ] {
        let mut sent = HeaderMap::new();
        inject(&propagator, &received, &mut sent);
        let next = extract(&propagator, &Context::new(), &sent);
        assert!(
            same(&span, next.span().span_context()),
            "{propagator:?} sent {sent:?}"
        );
        assert_eq!(
            B3Propagator::decision(&received),
            B3Propagator::decision(&next)
        );
        // Debug and deferred do not fit into the span, so sending once more must not lose them.
        let mut sent_by_next = HeaderMap::new();
        inject(&propagator, &next, &mut sent_by_next);
        assert_eq!(sent, sent_by_next);
    }
    check_unchanged(headers, &received);
    check_bridge(headers);
}

/// Without a span of its own a service sends on what it got, except for the caller's parent.
fn check_unchanged(headers: &HeaderMap, received: &Context) {
    let single = text(headers, "b3").and_then(|it| it.trim_matches([' ', '\t']).parse::<B3>().ok());
    let Some(single) = single else { return };
    let expected = match single.ids() {
        Some((trace_id, span_id)) => B3::new(trace_id, span_id, single.sampling()),
        None => Some(single),
    };
    let mut sent = HeaderMap::new();
    inject(&B3Propagator::single(), received, &mut sent);
    let expected = expected.map(|it| it.to_string());
    assert_eq!(text(&sent, "b3"), expected.as_deref());
}

/// One service that sends both formats: whichever is read, the trace is the same.
fn check_bridge(headers: &HeaderMap) {
    let bridge: CompositePropagator = "tracecontext,b3,b3multi".parse().expect("known names");
    let received = extract(&bridge, &Context::new(), headers);
    let span = received.span().span_context().clone();
    let mut sent = HeaderMap::new();
    inject(&bridge, &received, &mut sent);
    assert_eq!(text(&sent, "traceparent").is_some(), span.is_valid());

    let w3c = extract(&TraceContextPropagator::new(), &Context::new(), &sent);
    let b3 = extract(&B3Propagator::single(), &Context::new(), &sent);
    if span.is_valid() {
        assert!(same(&span, w3c.span().span_context()), "{sent:?}");
        assert!(same(&span, b3.span().span_context()), "{sent:?}");
    }
}

fn same(left: &SpanContext, right: &SpanContext) -> bool {
    let ids = |span: &SpanContext| (span.trace_id(), span.span_id(), span.is_sampled());
    ids(left) == ids(right)
}
