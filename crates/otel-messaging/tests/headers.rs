//! Message headers as carriers: reading, writing, and headers from untrusted clients.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, HashMap};

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use otel_core::propagation::{
    B3Propagator, BaggagePropagator, CompositePropagator, TraceContextPropagator,
};
use otel_messaging::{extract, inject};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER: &str = "00-11111111111111111111111111111111-2222222222222222-01";

fn sent() -> Context {
    let span = SpanContext::new(
        TraceId::from_hex(TRACE).unwrap(),
        SpanId::from_hex(SPAN).unwrap(),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    Context::new().with_remote_span_context(span)
}

fn ids(cx: &Context) -> (String, String) {
    let span = cx.span();
    let span = span.span_context();
    (span.trace_id().to_string(), span.span_id().to_string())
}

#[track_caller]
fn assert_sent(name: &str, cx: &Context) {
    assert_eq!(ids(cx), (TRACE.to_owned(), SPAN.to_owned()), "{name}");
}

#[test]
fn every_kind_of_carrier_hands_back_what_was_written() {
    let propagator = TraceContextPropagator::new();

    let mut map = HashMap::<String, String>::new();
    inject(&propagator, &sent(), &mut map);
    assert_eq!(map["traceparent"], PARENT);
    assert_sent("HashMap", &extract(&propagator, &Context::new(), &map));

    let mut map = BTreeMap::<String, Vec<u8>>::new();
    inject(&propagator, &sent(), &mut map);
    assert_sent("BTreeMap", &extract(&propagator, &Context::new(), &map));

    let mut bytes = Vec::<(String, Vec<u8>)>::new();
    inject(&propagator, &sent(), &mut bytes);
    assert_eq!(
        bytes,
        [("traceparent".to_owned(), PARENT.as_bytes().into())]
    );
    assert_sent("Vec", &extract(&propagator, &Context::new(), &bytes));
    let slice = bytes.as_slice();
    assert_sent("slice", &extract(&propagator, &Context::new(), slice));
    assert_sent("owned", &extract(&propagator, &Context::new(), bytes));

    let borrowed = [("traceparent", PARENT.as_bytes())];
    assert_sent("array", &extract(&propagator, &Context::new(), borrowed));
    let mapped = [PARENT].map(|value| ("traceparent", value)).into_iter();
    assert_sent("iterator", &extract(&propagator, &Context::new(), mapped));
}

#[test]
fn keys_are_written_in_lower_case_and_read_in_any() {
    let propagator = B3Propagator::multi();
    let mut headers = Vec::<(String, String)>::new();
    inject(&propagator, &sent(), &mut headers);
    assert!(!headers.is_empty());
    for (key, _) in &headers {
        assert_eq!(*key, key.to_ascii_lowercase());
    }
    let upper = headers.iter().map(|(k, v)| (k.to_ascii_uppercase(), v));
    assert_sent("upper", &extract(&propagator, &Context::new(), upper));
}

#[test]
fn b3_in_a_queue_is_read_in_both_forms() {
    let single = format!("{TRACE}-{SPAN}-1");
    let cases: [(&str, &[(&str, &str)]); 3] = [
        ("single", &[("b3", &single)]),
        ("single, upper case", &[("B3", &single)]),
        (
            "multi",
            &[
                ("X-B3-TraceId", TRACE),
                ("X-B3-SpanId", SPAN),
                ("X-B3-Sampled", "1"),
            ],
        ),
    ];
    for (name, headers) in cases {
        let cx = extract(&B3Propagator::single(), &Context::new(), headers);
        assert_sent(name, &cx);
    }
}

#[test]
fn what_an_earlier_use_of_the_message_left_is_removed() {
    let b3 = format!("{TRACE}-{SPAN}-1");
    let stale = || {
        let stale = [
            ("Traceparent", OTHER),
            ("tracestate", "old=1"),
            ("TraceState", "older=1"),
            ("b3", &b3),
            ("X-B3-ParentSpanId", SPAN),
            ("baggage", "a=1"),
            ("content-type", "text/plain"),
        ];
        stale.map(|(key, value)| (key.to_owned(), value.to_owned()))
    };
    let left = |mut keys: Vec<String>| {
        keys.sort_unstable();
        keys.join(" ")
    };

    let w3c: CompositePropagator = "tracecontext,baggage".parse().unwrap();
    let mut headers = Vec::from(stale());
    inject(&w3c, &sent(), &mut headers);
    let keys = headers.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(left(keys), "X-B3-ParentSpanId b3 content-type traceparent");

    let mut headers = HashMap::from(stale());
    inject(&w3c, &sent(), &mut headers);
    let keys = headers.keys().cloned().collect();
    assert_eq!(left(keys), "X-B3-ParentSpanId b3 content-type traceparent");
    assert_eq!(headers["traceparent"], PARENT);

    // Receivers would prefer a leftover `b3` to the headers that are written.
    let mut headers = BTreeMap::from(stale());
    inject(&B3Propagator::multi(), &sent(), &mut headers);
    assert!(!headers.contains_key("b3"));
    assert!(!headers.contains_key("X-B3-ParentSpanId"));
    assert_eq!(headers["x-b3-traceid"], TRACE);

    // The old context is removed even if there is no context to send.
    let mut headers = HashMap::from(stale());
    inject(&w3c, &Context::new(), &mut headers);
    assert!(!headers.contains_key("Traceparent"));
}

#[test]
fn equal_keys_are_several_lines_of_one_header() {
    let headers = [("baggage", "a=1"), ("Baggage", "b=2")];
    let cx = extract(&BaggagePropagator::new(), &Context::new(), headers);
    assert_eq!(cx.baggage().get("a"), Some(&"1".into()));
    assert_eq!(cx.baggage().get("b"), Some(&"2".into()));

    let headers = [
        ("traceparent", PARENT),
        ("tracestate", "a=1"),
        ("tracestate", "b=2"),
    ];
    let cx = extract(&TraceContextPropagator::new(), &Context::new(), headers);
    let state = cx.span().span_context().trace_state().header();
    assert_eq!(state, "a=1,b=2");
}

#[test]
fn hostile_headers_are_no_parent_and_no_panic() {
    let long = "0".repeat(64 * 1024);
    type Headers<'a> = &'a [(&'a str, &'a [u8])];
    let cases: [(&str, Headers<'_>); 9] = [
        ("no headers", &[]),
        ("empty", &[("traceparent", b"")]),
        ("no text", &[("traceparent", b"\xff\xfe\x00")]),
        ("binary ids", &[("traceparent", &[0; 55])]),
        ("too long", &[("traceparent", long.as_bytes())]),
        (
            "two lines",
            &[
                ("traceparent", PARENT.as_bytes()),
                ("traceparent", PARENT.as_bytes()),
            ],
        ),
        (
            "two lines, in two cases",
            &[
                ("traceparent", PARENT.as_bytes()),
                ("TRACEPARENT", OTHER.as_bytes()),
            ],
        ),
        (
            "two lines, one of them no text",
            &[("traceparent", PARENT.as_bytes()), ("traceparent", b"\xff")],
        ),
        (
            "zero ids",
            &[(
                "traceparent",
                b"00-00000000000000000000000000000000-0000000000000000-01",
            )],
        ),
    ];
    let propagator: CompositePropagator = "tracecontext,baggage,b3".parse().unwrap();
    for (name, headers) in cases {
        let cx = extract(&propagator, &Context::new(), headers);
        assert!(!cx.span().span_context().is_valid(), "{name}");
    }
}

#[test]
fn a_value_that_is_no_text_spoils_only_itself() {
    let headers: [(&str, &[u8]); 3] = [
        ("traceparent", PARENT.as_bytes()),
        ("baggage", b"\xff"),
        ("payload-hash", b"\x00\xff"),
    ];
    let propagator: CompositePropagator = "tracecontext,baggage".parse().unwrap();
    let cx = extract(&propagator, &Context::new(), headers);
    assert_sent("beside", &cx);
    assert!(cx.baggage().is_empty());
}

#[test]
fn a_propagator_that_asks_for_keys_and_single_values_is_served() {
    use opentelemetry::propagation::text_map_propagator::FieldIter;
    use opentelemetry::propagation::{Extractor, Injector};

    #[derive(Debug, PartialEq)]
    struct Seen(Vec<String>, Option<String>, Option<String>);
    #[derive(Debug)]
    struct Curious;
    impl TextMapPropagator for Curious {
        fn inject_context(&self, _: &Context, _: &mut dyn Injector) {}
        fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
            let keys = extractor.keys().into_iter().map(str::to_owned).collect();
            let first = extractor.get("TENANT").map(str::to_owned);
            let absent = extractor.get("absent").map(str::to_owned);
            assert!(extractor.get_all("absent").is_none());
            cx.with_value(Seen(keys, first, absent))
        }
        fn fields(&self) -> FieldIter<'_> {
            FieldIter::new(&[])
        }
    }
    let headers = [("Tenant", "a"), ("tenant", "b")];
    let cx = extract(&Curious, &Context::new(), headers);
    let keys = vec!["Tenant".to_owned(), "tenant".to_owned()];
    assert_eq!(cx.get(), Some(&Seen(keys, Some("a".to_owned()), None)));
}
