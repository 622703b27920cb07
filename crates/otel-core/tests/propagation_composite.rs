//! Several formats at once.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which fail by panicking"
)]

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context, KeyValue,
    baggage::BaggageExt as _,
    propagation::TextMapPropagator,
    trace::{TraceContextExt as _, Tracer as _, TracerProvider as _, noop::NoopTracerProvider},
};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use otel_core::propagation::{CompositePropagator, extract, inject};

const W3C: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const W3C_AS_B3: &str = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1";
const B3: &str = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1";
const B3_AS_W3C: &str = "00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01";

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    headers
}

fn sent(propagator: &dyn TextMapPropagator, cx: &Context) -> BTreeMap<String, String> {
    let mut headers = HeaderMap::new();
    inject(propagator, cx, &mut headers);
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect()
}

fn passed_on(names: &str, lines: &[(&str, &str)]) -> BTreeMap<String, String> {
    let propagator: CompositePropagator = names.parse().unwrap();
    let cx = extract(&propagator, &Context::new(), &headers(lines));
    let span = NoopTracerProvider::new()
        .tracer("test")
        .start_with_context("request", &cx);
    sent(&propagator, &cx.with_span(span))
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn the_bridge_reads_either_and_sends_both() {
    let w3c = map(&[("traceparent", W3C), ("b3", W3C_AS_B3)]);
    let b3 = map(&[("traceparent", B3_AS_W3C), ("b3", B3)]);
    let multi = [
        ("x-b3-traceid", "80f198ee56343ba864fe8b2a57d3eff7"),
        ("x-b3-spanid", "e457b5a2e4d86bd1"),
        ("x-b3-sampled", "1"),
    ];
    let cases: [(&str, &[(&str, &str)], _); 8] = [
        ("W3C alone", &[("traceparent", W3C)], w3c.clone()),
        ("B3 alone", &[("b3", B3)], b3.clone()),
        ("B3 multi alone", &multi, b3.clone()),
        ("traceparent wins", &[("b3", B3), ("traceparent", W3C)], w3c),
        (
            "B3 if traceparent is malformed",
            &[("traceparent", "00-bad"), ("b3", B3)],
            b3.clone(),
        ),
        (
            "B3 if traceparent is there twice",
            &[("traceparent", W3C), ("traceparent", W3C), ("b3", B3)],
            b3.clone(),
        ),
        (
            "no tracestate beside B3",
            &[("tracestate", "a=1"), ("b3", B3)],
            b3,
        ),
        ("neither", &[("traceparent", "x"), ("b3", "y")], map(&[])),
    ];
    for (name, lines, expected) in cases {
        for names in ["tracecontext,b3,baggage", "baggage,b3,tracecontext"] {
            assert_eq!(passed_on(names, lines), expected, "{name} with {names}");
        }
    }
}

#[test]
fn debug_and_deferred_pass_a_chain_of_bridges() {
    let ids = &W3C_AS_B3[..49];
    let (debug, other) = (format!("{ids}-d"), format!("1{}-d", &ids[1..]));
    let random = W3C.replace("-01", "-03");
    let unsampled = W3C.replace("-01", "-00");
    let cases = [
        ("debug", W3C, debug.as_str(), debug.as_str()),
        (
            "debug together with the random flag",
            &random,
            &debug,
            &debug,
        ),
        ("deferred", W3C, ids, ids),
        ("another trace's debug", W3C, &other, W3C_AS_B3),
        (
            "traceparent wins over a contradicting state",
            &unsampled,
            &debug,
            &format!("{ids}-0"),
        ),
    ];
    for (name, traceparent, b3, leaves) in cases {
        let lines = [
            ("traceparent", traceparent),
            ("tracestate", "a@@b=1"),
            ("b3", b3),
        ];
        let expected = map(&[
            ("traceparent", traceparent),
            ("tracestate", "a@@b=1"),
            ("b3", leaves),
        ]);
        assert_eq!(passed_on("tracecontext,b3", &lines), expected, "{name}");
    }
}

#[test]
fn both_b3_names_send_both_forms() {
    let keys = passed_on("b3,b3multi", &[("b3", B3)])
        .into_keys()
        .collect::<Vec<_>>();
    assert_eq!(keys, ["b3", "x-b3-sampled", "x-b3-spanid", "x-b3-traceid"]);
}

#[test]
fn baggage_is_independent_of_the_trace() {
    let cases: [(&str, &[(&str, &str)]); 3] = [
        ("with W3C", &[("traceparent", W3C), ("baggage", "k=v")]),
        ("with B3", &[("b3", B3), ("baggage", "k=v")]),
        (
            "with neither",
            &[("traceparent", "bad"), ("baggage", "k=v")],
        ),
    ];
    for (name, lines) in cases {
        let sent = passed_on("tracecontext,b3,baggage", lines);
        assert_eq!(
            sent.get("baggage").map(String::as_str),
            Some("k=v"),
            "{name}"
        );
    }
    assert!(
        !passed_on(
            "tracecontext,b3",
            &[("traceparent", W3C), ("baggage", "k=v")]
        )
        .contains_key("baggage")
    );
}

#[test]
fn none_reads_and_sends_nothing() {
    let cx = Context::new().with_baggage([KeyValue::new("k", "v")]);
    let propagator: CompositePropagator = "none".parse().unwrap();
    assert_eq!(sent(&propagator, &cx), map(&[]));
    assert_eq!(
        passed_on(
            "none",
            &[("traceparent", W3C), ("b3", B3), ("baggage", "k=v")]
        ),
        map(&[])
    );
    assert_eq!(propagator.fields().count(), 0);
}

#[test]
fn a_trace_that_b3_continued_is_not_marked_random() {
    let propagator: CompositePropagator = "tracecontext,b3".parse().unwrap();
    let propagator = propagator.random_trace_ids(true);
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::AlwaysOn)
        .build();
    let tracer = provider.tracer("test");
    let flags = |lines: &[(&str, &str)]| {
        let cx = extract(&propagator, &Context::new(), &headers(lines));
        let cx = cx.with_span(tracer.start_with_context("server", &cx));
        sent(&propagator, &cx)["traceparent"][53..].to_owned()
    };
    assert_eq!(flags(&[("b3", B3)]), "01", "continued");
    assert_eq!(flags(&[]), "03", "begun here");
    assert_eq!(
        flags(&[("b3", "1")]),
        "03",
        "begun here on a caller's decision"
    );
}

#[test]
fn the_random_flag_of_w3c_does_not_reach_b3() {
    for names in [
        "tracecontext,b3,b3multi",
        "tracecontext,b3",
        "tracecontext,b3multi",
    ] {
        let propagator: CompositePropagator = names.parse().unwrap();
        let provider = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOn);
        let tracer = provider.build().tracer("test");
        for (came, state) in [("00", "0"), ("01", "1"), ("02", "0"), ("03", "1")] {
            let traceparent = format!("{}{came}", &W3C[..53]);
            let cx = extract(
                &propagator,
                &Context::new(),
                &headers(&[("traceparent", &traceparent)]),
            );
            let recorded = cx.with_span(tracer.start_with_context("server", &cx));
            for (cx, state) in [(cx, state), (recorded, "1")] {
                let sent = sent(&propagator, &cx);
                if let Some(b3) = sent.get("b3") {
                    assert!(b3.ends_with(&format!("-{state}")), "{names} {came}: {b3}");
                }
                let multi = sent.get("x-b3-sampled").map_or(state, String::as_str);
                assert_eq!(multi, state, "{names} {came}");
                let flags = u8::from_str_radix(&sent["traceparent"][53..], 16).unwrap();
                assert_eq!(flags & 2, u8::from_str_radix(came, 16).unwrap() & 2);
            }
        }
    }
}

#[test]
fn a_second_extraction_forgets_the_first() {
    let propagator: CompositePropagator = "tracecontext,b3".parse().unwrap();
    let first = extract(&propagator, &Context::new(), &headers(&[("b3", "d")]));
    let second = extract(&propagator, &first, &headers(&[("traceparent", W3C)]));
    assert_eq!(sent(&propagator, &second)["b3"], W3C_AS_B3);
}

#[test]
fn the_default_is_w3c() {
    let fields = CompositePropagator::default()
        .fields()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    assert_eq!(fields, ["traceparent", "tracestate", "baggage"]);
}
