//! B3 callers that have not decided: the forms in which they say so.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceState};
use otel_core::propagation::{B3, B3Propagator, B3Sampling, SamplingRequest, extract, inject};

const T: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const SHORT: &str = "64fe8b2a57d3eff7";
const PADDED: &str = "000000000000000064fe8b2a57d3eff7";
const S: &str = "e457b5a2e4d86bd1";
const P: &str = "05e3ac9a4f6e3b90";

fn extracted(lines: &[(&'static str, &str)]) -> Context {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_str(value).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    extract(&B3Propagator::single(), &Context::new(), &headers)
}

#[test]
fn a_deferred_context_with_a_parent_continues_the_trace() {
    let multi = [
        ("x-b3-traceid", T),
        ("x-b3-spanid", S),
        ("x-b3-parentspanid", P),
    ];
    let single = |value: String| extracted(&[("b3", &value)]);
    let zeros = "0".repeat(16);
    // name, context, and the trace id if the trace is continued
    let table = [
        ("without a parent", single(format!("{T}-{S}")), Some(T)),
        (
            "as Brave writes it",
            single(format!("{T}-{S}-{P}")),
            Some(T),
        ),
        ("of zeros", single(format!("{T}-{S}-{zeros}")), Some(T)),
        (
            "64-bit trace id",
            single(format!("{SHORT}-{S}-{P}")),
            Some(PADDED),
        ),
        ("multiple headers", extracted(&multi), Some(T)),
        ("an empty state", single(format!("{T}-{S}--{P}")), None),
        ("too short", single(format!("{T}-{S}-{}", &P[1..])), None),
        ("too long", single(format!("{T}-{S}-{P}0")), None),
        (
            "uppercase",
            single(format!("{T}-{S}-{}", P.to_uppercase())),
            None,
        ),
        ("a state behind it", single(format!("{T}-{S}-{P}-1")), None),
        ("a dash behind it", single(format!("{T}-{S}-{P}-")), None),
        (
            "a parent without a span id",
            single(format!("{T}-{P}-")),
            None,
        ),
    ];
    for (name, cx, trace_id) in table {
        assert_eq!(cx.has_active_span(), trace_id.is_some(), "{name}");
        let Some(trace_id) = trace_id else { continue };
        let span = cx.span().span_context().clone();
        assert_eq!(span.trace_id().to_string(), trace_id, "{name}");
        assert_eq!(span.span_id().to_string(), S, "{name}");
        assert!(span.is_sampled(), "{name}");
        let request = SamplingRequest::from_parent(&cx);
        assert_eq!(request, Some(SamplingRequest::AsRoot), "{name}");
        // Without an SDK the decision stays open, and the parent is not sent on.
        let mut sent = HeaderMap::new();
        inject(&B3Propagator::single(), &cx, &mut sent);
        assert_eq!(sent["b3"], format!("{trace_id}-{S}"), "{name}");
    }
}

#[test]
fn a_parent_without_a_state_is_kept_in_the_value() {
    let text = format!("{T}-{S}-{P}");
    let b3: B3 = text.parse().unwrap();
    assert_eq!(b3.sampling(), B3Sampling::Defer);
    assert_eq!(b3.parent_span_id().unwrap().to_string(), P);
    assert_eq!(b3.to_string(), text);
}

/// A sampler that decides anew could cut the trace below its first span.
#[test]
fn only_the_first_span_of_a_deferred_trace_is_decided_as_a_root() {
    let caller = extracted(&[("b3", &format!("{T}-{S}"))]);
    assert_eq!(
        SamplingRequest::from_parent(&caller),
        Some(SamplingRequest::AsRoot)
    );
    let trace = caller.span().span_context().trace_id();
    for flags in [TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED] {
        let first = SpanContext::new(trace, SpanId::from(7), flags, false, TraceState::NONE);
        let first = caller.with_remote_span_context(first);
        assert_eq!(SamplingRequest::from_parent(&first), None);
    }
}
