//! B3 in both forms, rule by rule, with the SDK's samplers.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which fail by panicking"
)]

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::TextMapPropagator as _,
    trace::{TraceContextExt as _, Tracer as _, TracerProvider as _, noop::NoopTracerProvider},
};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use otel_core::propagation::{B3, B3Propagator, B3Sampling, extract, inject};

const T: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const S: &str = "e457b5a2e4d86bd1";
const P: &str = "05e3ac9a4f6e3b90";

fn extracted(lines: &[(&str, &str)]) -> Context {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    extract(&B3Propagator::single(), &Context::new(), &headers)
}

fn sent(propagator: &B3Propagator, cx: &Context) -> BTreeMap<String, String> {
    let mut headers = HeaderMap::new();
    inject(propagator, cx, &mut headers);
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Returns the single header that a service without an SDK sends.
fn passed_on(cx: &Context) -> Option<String> {
    let span = NoopTracerProvider::new()
        .tracer("test")
        .start_with_context("request", cx);
    sent(&B3Propagator::single(), &cx.with_span(span)).remove("b3")
}

#[test]
fn single_header_rules() {
    // name, header, trace id and sampled bit of the parent, header that is sent on
    type Case<'a> = (&'a str, &'a str, Option<(&'a str, bool)>, Option<&'a str>);
    let state = |state: &str| format!("{T}-{S}-{state}");
    let padded = format!("64fe8b2a57d3eff7-{S}-1");
    let huge = format!("{T}-{S}-1-{}", "0".repeat(64 * 1024));
    let cases: [Case<'_>; 28] = [
        ("sampled", &state("1"), Some((T, true)), Some(&state("1"))),
        (
            "not sampled",
            &state("0"),
            Some((T, false)),
            Some(&state("0")),
        ),
        (
            "debug implies sampled",
            &state("d"),
            Some((T, true)),
            Some(&state("d")),
        ),
        (
            "deferred counts as sampled",
            &format!("{T}-{S}"),
            Some((T, true)),
            Some(&format!("{T}-{S}")),
        ),
        (
            "parent is never sent",
            &format!("{T}-{S}-1-{P}"),
            Some((T, true)),
            Some(&state("1")),
        ),
        (
            "parent of zeros",
            &format!("{T}-{S}-1-0000000000000000"),
            Some((T, true)),
            Some(&state("1")),
        ),
        (
            "64-bit trace id is padded",
            &padded,
            Some(("000000000000000064fe8b2a57d3eff7", true)),
            Some("000000000000000064fe8b2a57d3eff7-e457b5a2e4d86bd1-1"),
        ),
        ("deny without ids", "0", None, Some("0")),
        ("accept without ids", "1", None, Some("1")),
        ("debug without ids", "d", None, Some("d")),
        ("blanks around the value", " 0 ", None, Some("0")),
        ("empty", "", None, None),
        ("unknown decision", "2", None, None),
        ("word for a state", &state("true"), None, None),
        ("unknown state", &state("2"), None, None),
        (
            "trace id with a sign",
            &format!("+{}-{S}-1", &T[1..]),
            None,
            None,
        ),
        (
            "trace id uppercase",
            &format!("{}-{S}-1", T.to_uppercase()),
            None,
            None,
        ),
        (
            "trace id of another length",
            &format!("{}-{S}-1", &T[2..]),
            None,
            None,
        ),
        (
            "trace id of zeros",
            &format!("{}-{S}-1", "0".repeat(32)),
            None,
            None,
        ),
        (
            "span id with a sign",
            &format!("{T}-+{}-1", &S[1..]),
            None,
            None,
        ),
        ("span id short", &format!("{T}-{}-1", &S[1..]), None, None),
        ("span id long", &format!("{T}-{S}0-1"), None, None),
        (
            "span id of zeros",
            &format!("{T}-{}-1", "0".repeat(16)),
            None,
            None,
        ),
        ("dash behind the span id", &format!("{T}-{S}-"), None, None),
        ("dash behind the state", &format!("{T}-{S}-1-"), None, None),
        (
            "parent short",
            &format!("{T}-{S}-1-{}", &P[1..]),
            None,
            None,
        ),
        (
            "more behind the parent",
            &format!("{T}-{S}-1-{P}-"),
            None,
            None,
        ),
        ("64 KiB", &huge, None, None),
    ];
    for (name, value, ids, leaves) in cases {
        let cx = extracted(&[("b3", value)]);
        let span = cx.span().span_context().clone();
        let seen = span
            .is_valid()
            .then(|| (span.trace_id().to_string(), span.is_sampled()));
        assert_eq!(
            seen,
            ids.map(|(id, sampled)| (id.to_owned(), sampled)),
            "{name}"
        );
        assert_eq!(
            span.trace_flags().to_u8() & !1,
            0,
            "{name}: no other bit may reach TraceFlags"
        );
        assert_eq!(passed_on(&cx).as_deref(), leaves, "{name}: without an SDK");
        assert_eq!(
            cx.has_active_span(),
            leaves.is_some(),
            "{name}: an invalid header gives no parent"
        );
    }
}

#[test]
fn multi_header_rules() {
    let ids = [("X-B3-TraceId", T), ("X-B3-SpanId", S)];
    let with = |more: &[(&'static str, &'static str)]| [&ids, more].concat();
    let full = |state: &str| Some(format!("{T}-{S}{state}"));
    let cases = [
        ("sampled", with(&[("X-B3-Sampled", "1")]), full("-1")),
        ("not sampled", with(&[("X-B3-Sampled", "0")]), full("-0")),
        ("true", with(&[("X-B3-Sampled", "true")]), full("-1")),
        ("false", with(&[("X-B3-Sampled", "false")]), full("-0")),
        ("deferred", with(&[]), full("")),
        ("debug", with(&[("X-B3-Flags", "1")]), full("-d")),
        (
            "debug implies sampled",
            with(&[("X-B3-Flags", "1"), ("X-B3-Sampled", "0")]),
            full("-d"),
        ),
        (
            "flags 0 are ignored",
            with(&[("X-B3-Flags", "0"), ("X-B3-Sampled", "1")]),
            full("-1"),
        ),
        (
            "other flags are ignored",
            with(&[("X-B3-Flags", "2"), ("X-B3-Sampled", "0")]),
            full("-0"),
        ),
        (
            "parent",
            with(&[("X-B3-ParentSpanId", P), ("X-B3-Sampled", "1")]),
            full("-1"),
        ),
        (
            "malformed parent",
            with(&[("X-B3-ParentSpanId", "1")]),
            None,
        ),
        ("empty parent", with(&[("X-B3-ParentSpanId", "")]), None),
        ("malformed state", with(&[("X-B3-Sampled", "d")]), None),
        (
            "empty state is malformed, not absent",
            with(&[("X-B3-Sampled", "")]),
            None,
        ),
        (
            "the first of repeated headers counts",
            with(&[("X-B3-Sampled", "0"), ("X-B3-Sampled", "1")]),
            full("-0"),
        ),
        (
            "names in lowercase",
            vec![
                ("x-b3-traceid", T),
                ("x-b3-spanid", S),
                ("x-b3-sampled", "1"),
            ],
            full("-1"),
        ),
        (
            "trace id alone",
            vec![("X-B3-TraceId", T), ("X-B3-Sampled", "1")],
            None,
        ),
        (
            "span id alone",
            vec![("X-B3-SpanId", S), ("X-B3-Sampled", "1")],
            None,
        ),
        (
            "empty trace id",
            vec![("X-B3-TraceId", ""), ("X-B3-SpanId", S)],
            None,
        ),
        (
            "deny without ids",
            vec![("X-B3-Sampled", "0")],
            Some("0".to_owned()),
        ),
        (
            "accept without ids",
            vec![("X-B3-Sampled", "1")],
            Some("1".to_owned()),
        ),
        (
            "debug without ids",
            vec![("X-B3-Flags", "1")],
            Some("d".to_owned()),
        ),
        (
            "flags without a meaning, and no other header",
            vec![("X-B3-Flags", "0")],
            None,
        ),
        ("nothing", vec![], None),
    ];
    for (name, lines, leaves) in cases {
        let cx = extracted(&lines);
        assert_eq!(passed_on(&cx), leaves, "{name}");
    }
}

#[test]
fn single_takes_precedence_over_multi() {
    let other = "1111111111111111";
    let multi = [
        ("X-B3-TraceId", other),
        ("X-B3-SpanId", S),
        ("X-B3-Sampled", "1"),
    ];
    let single = format!("{T}-{S}-0");
    let both = |single| [&[("b3", single)], multi.as_slice()].concat();
    assert_eq!(
        passed_on(&extracted(&both(&single))),
        Some(single.clone()),
        "single wins"
    );
    assert_eq!(
        passed_on(&extracted(&both("0"))),
        Some("0".to_owned()),
        "a decision wins as well"
    );
    let padded = format!("0000000000000000{other}-{S}-1");
    assert_eq!(
        passed_on(&extracted(&both("bad"))),
        Some(padded.clone()),
        "multi if single is malformed"
    );
    assert_eq!(
        passed_on(&extracted(&both(""))),
        Some(padded),
        "multi if single is empty"
    );
}

#[test]
fn samplers_follow_the_caller() {
    let parent_based = || Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
    let off_at_the_root = || Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
    let ids = |state: &str| format!("{T}-{S}{state}");
    // name, header, sampler, is the span recorded, state that is sent
    let cases = [
        ("sampled", ids("-1"), off_at_the_root(), true, "1"),
        ("not sampled", ids("-0"), parent_based(), false, "0"),
        (
            "debug is sampled and stays debug",
            ids("-d"),
            off_at_the_root(),
            true,
            "d",
        ),
        (
            "debug stays debug though a sampler drops it",
            ids("-d"),
            Sampler::AlwaysOff,
            false,
            "d",
        ),
        (
            "deferred is not dropped, and the decision is sent",
            ids(""),
            off_at_the_root(),
            true,
            "1",
        ),
        (
            "deferred, decided against",
            ids(""),
            Sampler::AlwaysOff,
            false,
            "0",
        ),
        (
            "deny without ids",
            "0".to_owned(),
            parent_based(),
            false,
            "0",
        ),
        (
            "accept without ids",
            "1".to_owned(),
            off_at_the_root(),
            true,
            "1",
        ),
        (
            "debug without ids",
            "d".to_owned(),
            off_at_the_root(),
            true,
            "d",
        ),
    ];
    for (name, header, sampler, recorded, state) in cases {
        let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
        let tracer = provider.tracer("test");
        let cx = extracted(&[("b3", &header)]);
        let cx = cx.with_span(tracer.start_with_context("server", &cx));
        assert_eq!(cx.span().is_recording(), recorded, "{name}");
        let cx = cx.with_span(tracer.start_with_context("client", &cx));
        let span = cx.span().span_context().clone();
        assert!(span.is_valid(), "{name}: a new trace");
        if header.len() > 1 {
            assert_eq!(span.trace_id().to_string(), T, "{name}");
        }
        assert_ne!(
            span.span_id().to_string(),
            S,
            "{name}: never the caller's span id"
        );
        let expected = format!("{}-{}-{state}", span.trace_id(), span.span_id());
        assert_eq!(
            sent(&B3Propagator::single(), &cx),
            map(&[("b3", &expected)]),
            "{name}"
        );
    }
}

#[test]
fn a_decision_without_ids_is_there_for_other_samplers() {
    for (header, decision) in [
        ("0", Some(B3Sampling::Deny)),
        ("1", Some(B3Sampling::Accept)),
        ("d", Some(B3Sampling::Debug)),
        ("80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0", None),
        ("bad", None),
    ] {
        assert_eq!(
            B3Propagator::decision(&extracted(&[("b3", header)])),
            decision,
            "{header}"
        );
    }
}

#[test]
fn each_form_is_sent_alone() {
    let ids = [("x-b3-traceid", T), ("x-b3-spanid", S)];
    let multi = |more: &[(&'static str, &'static str)]| map(&[&ids, more].concat());
    let cases = [
        (
            "sampled",
            format!("{T}-{S}-1"),
            multi(&[("x-b3-sampled", "1")]),
        ),
        (
            "not sampled",
            format!("{T}-{S}-0"),
            multi(&[("x-b3-sampled", "0")]),
        ),
        (
            "debug sends no Sampled",
            format!("{T}-{S}-d"),
            multi(&[("x-b3-flags", "1")]),
        ),
        ("deferred sends no state", format!("{T}-{S}"), multi(&[])),
        (
            "deny without ids",
            "0".to_owned(),
            map(&[("x-b3-sampled", "0")]),
        ),
        (
            "debug without ids",
            "d".to_owned(),
            map(&[("x-b3-flags", "1")]),
        ),
    ];
    for (name, header, multi) in cases {
        let cx = extracted(&[("b3", &header)]);
        let single = map(&[("b3", &header)]);
        assert_eq!(sent(&B3Propagator::single(), &cx), single, "{name}");
        assert_eq!(
            sent(&B3Propagator::default(), &cx),
            single,
            "{name}: single is the default"
        );
        assert_eq!(sent(&B3Propagator::multi(), &cx), multi, "{name}");
        let both = single.into_iter().chain(multi).collect();
        assert_eq!(sent(&B3Propagator::both(), &cx), both, "{name}");
    }
}

#[test]
fn nothing_is_sent_without_a_span() {
    for propagator in [
        B3Propagator::single(),
        B3Propagator::multi(),
        B3Propagator::both(),
    ] {
        assert_eq!(
            sent(&propagator, &Context::new()),
            BTreeMap::new(),
            "{propagator:?}"
        );
    }
}

#[test]
fn fields_are_those_of_the_form_that_is_sent() {
    let fields =
        |propagator: B3Propagator| propagator.fields().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(fields(B3Propagator::single()), ["b3"]);
    assert_eq!(
        fields(B3Propagator::multi()),
        ["x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"]
    );
    assert_eq!(fields(B3Propagator::both()).len(), 5);
}

#[test]
fn a_leftover_of_the_other_form_is_removed_before_sending() {
    let cx = extracted(&[("b3", &format!("{T}-{S}-d"))]);
    let leftovers = [
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-parentspanid",
        "x-b3-sampled",
        "x-b3-flags",
    ];
    for (propagator, expected) in [(B3Propagator::single(), 1), (B3Propagator::multi(), 3)] {
        let mut headers = HeaderMap::new();
        for name in leftovers {
            headers.append(name, HeaderValue::from_static("old"));
        }
        inject(&propagator, &cx, &mut headers);
        assert!(headers.values().all(|value| value != "old"), "{headers:?}");
        assert_eq!(headers.len(), expected, "{headers:?}");
    }
}

#[test]
fn the_error_names_field_position_and_reason() {
    let cases = [
        (
            "state",
            format!("{T}-{S}-x"),
            50,
            "b3: state is unknown at position 50",
        ),
        (
            "span id",
            format!("{T}-E457b5a2e4d86bd1-1"),
            33,
            "b3: span id has an uppercase digit at position 33",
        ),
        (
            "short span id",
            format!("{T}-e457"),
            37,
            "b3: span id ends too early at position 37",
        ),
        (
            "trace id",
            format!("{}-{S}-1", &T[1..]),
            31,
            "b3: trace id ends too early at position 31",
        ),
        (
            "no dash",
            format!("{T}-{S}x1"),
            49,
            "b3: span id is not followed by a dash at position 49",
        ),
        (
            "parent",
            format!("{T}-{S}-1-05e3ac9a4f6e3b9+"),
            67,
            "b3: parent span id has no hex digit at position 67",
        ),
        (
            "empty",
            String::new(),
            0,
            "b3: value is empty at position 0",
        ),
        (
            "64 KiB",
            "0".repeat(64 * 1024),
            68,
            "b3: value is too long at position 68",
        ),
    ];
    for (name, value, position, message) in cases {
        let error = value.parse::<B3>().unwrap_err();
        assert_eq!(
            (error.field(), error.position()),
            ("b3", position),
            "{name}"
        );
        assert!(error.to_string().starts_with(message), "{name}: {error}");
    }
    let missing = B3::from_headers(|name| (name == "x-b3-traceid").then_some(T)).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "x-b3-spanid: span id is missing at position 0; send both ids or neither"
    );
}
