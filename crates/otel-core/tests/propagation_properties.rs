//! Properties of all values, and of all bytes that an untrusted client can send.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which fail by panicking"
)]

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context, KeyValue,
    baggage::{BaggageExt as _, KeyValueMetadata},
    propagation::{Extractor, TextMapPropagator as _},
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};
use otel_core::propagation::{
    B3, B3Propagator, B3Sampling, BaggagePropagator, CompositePropagator, TraceContextPropagator,
    Traceparent, Tracestate, extract, inject,
};
use proptest::{collection::vec, prelude::*};

const HEADERS: [&str; 9] = [
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-flags",
];

fn tracestate_member() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z0-9_*/@-]{0,20}=[ -+\\--<>-~]{0,20}[!-+\\--<>-~]"
}

fn baggage_member() -> impl Strategy<Value = String> {
    "[a-z!#$%&'*+.^_`|~-]{1,8}=([!#-+\\--:<-\\[\\]-~]|%[0-9A-F]{2}){0,20}(;[a-z]{1,4}(=[a-z%]{0,4})?){0,3}"
}

/// Returns a member as it is sent on: `=` and a `%` without two hex digits after it are encoded in the value.
fn sent_on(member: &str) -> String {
    let (key, rest) = member.split_once('=').unwrap();
    let (value, properties) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
    let mut encoded = String::new();
    for (at, c) in value.char_indices() {
        let digits: String = value[at + 1..].chars().take(2).collect();
        let is_escape = digits.len() == 2 && digits.chars().all(|it| it.is_ascii_hexdigit());
        match c {
            '=' => encoded.push_str("%3D"),
            '%' if !is_escape => encoded.push_str("%25"),
            _ => encoded.push(c),
        }
    }
    format!("{key}={encoded}{properties}")
}

/// Bytes that are similar enough to the formats to reach all branches of their parsers.
fn near_header() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..80),
        "[0-9a-fA-F+ -]{0,70}".prop_map(String::into_bytes),
        "(00|01|ff)-[0-9a-f]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{1,3}-?".prop_map(String::into_bytes),
        "[0-9a-f]{15,33}-[0-9a-f]{15,17}(-[01dx](-[0-9a-f]{15,17})?)?".prop_map(String::into_bytes),
        "(00|cc)-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]".prop_map(String::into_bytes),
        "([0-9a-f]{32}|[0-9a-f]{16})-[0-9a-f]{16}(-[01d](-[0-9a-f]{16})?)?"
            .prop_map(String::into_bytes),
        "[0-9a-f]{16}|[0-9a-f]{32}".prop_map(String::into_bytes),
        "[01d]|true|false".prop_map(String::into_bytes),
        "[a-zA-Z0-9@=,; \t%é]{0,80}".prop_map(String::into_bytes),
        vec(tracestate_member(), 0..40).prop_map(|members| members.join(",").into_bytes()),
        vec(baggage_member(), 0..70).prop_map(|members| members.join(",").into_bytes()),
    ]
}

fn carrier(name: &str, value: String) -> HashMap<String, String> {
    HashMap::from([(name.to_owned(), value)])
}

/// A header that is usually valid, so that others are read at all.
fn valid_line() -> impl Strategy<Value = (&'static str, String)> {
    prop_oneof![
        "(00|cc)-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]".prop_map(|value| ("traceparent", value)),
        tracestate_member().prop_map(|value| ("tracestate", value)),
        baggage_member().prop_map(|value| ("baggage", value)),
        "[0-9a-f]{32}-[0-9a-f]{16}-[01d]".prop_map(|value| ("b3", value)),
    ]
}

/// An extractor that looks up each header, as other crates write it.
struct Lines<'a>(&'a HeaderMap);

impl Extractor for Lines<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.get_all(key)?.first().copied()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let lines = self.0.get_all(key).iter();
        let lines: Vec<_> = lines
            .map(|line| std::str::from_utf8(line.as_bytes()).unwrap_or("?"))
            .collect();
        (!lines.is_empty()).then_some(lines)
    }
}

/// All that a context holds: its span, its baggage, and what is sent on.
fn received(
    propagator: &CompositePropagator,
    cx: &Context,
) -> (SpanContext, Vec<String>, HeaderMap, bool) {
    let mut baggage: Vec<_> = cx.baggage().iter().map(|it| format!("{it:?}")).collect();
    baggage.sort();
    let mut sent = HeaderMap::new();
    inject(propagator, cx, &mut sent);
    let span = cx.span().span_context().clone();
    (span, baggage, sent, B3Propagator::decision(cx).is_some())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn traceparent_display_is_parsed_back(trace in 1_u128.., span in 1_u64.., sampled: bool, random: bool) {
        let value = Traceparent::new(TraceId::from(trace), SpanId::from(span), sampled).unwrap().with_random(random);
        let text = value.to_string();
        prop_assert_eq!(text.len(), 55);
        prop_assert_eq!(text.parse::<Traceparent>(), Ok(value));
    }

    #[test]
    fn tracestate_display_is_parsed_back(members in vec(tracestate_member(), 0..=32)) {
        let text = members.join(",");
        let value: Tracestate = text.parse().unwrap();
        prop_assert_eq!(value.to_string(), text);
        prop_assert_eq!(value.members().count(), members.len());
    }

    #[test]
    fn b3_display_is_parsed_back(
        trace in "[1-9a-f][0-9a-f]{31}",
        span in "[1-9a-f][0-9a-f]{15}",
        rest in "(-[01d])?(-[1-9a-f][0-9a-f]{15})?",
        alone in "[01d]",
    ) {
        for text in [format!("{trace}-{span}{rest}"), alone] {
            prop_assert_eq!(text.parse::<B3>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn b3_value_is_parsed_back(trace in 1_u128.., span in 1_u64.., state in 0..4_usize) {
        let state = [B3Sampling::Deny, B3Sampling::Accept, B3Sampling::Debug, B3Sampling::Defer][state];
        let value = B3::new(TraceId::from(trace), SpanId::from(span), state).unwrap();
        prop_assert_eq!(value.to_string().parse::<B3>(), Ok(value));
    }

    #[test]
    fn any_bytes_give_valid_ids_or_none(lines in vec((0..HEADERS.len(), near_header()), 0..6)) {
        let mut headers = HeaderMap::new();
        for (name, value) in &lines {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.append(HEADERS[*name], value);
            }
        }
        for names in ["tracecontext,baggage", "b3,baggage", "b3multi", "tracecontext,b3,b3multi,baggage"] {
            let propagator: CompositePropagator = names.parse().unwrap();
            let cx = extract(&propagator, &Context::new(), &headers);
            let span = cx.span().span_context().clone();
            let ids = (span.trace_id() != TraceId::INVALID, span.span_id() != SpanId::INVALID);
            prop_assert_eq!(ids.0, ids.1, "both ids or neither");
            prop_assert!(ids.0 || !cx.has_active_span() || B3Propagator::decision(&cx).is_some());

            // The received context is sent on unchanged, and nothing invalid is sent.
            let mut sent = HeaderMap::new();
            inject(&propagator, &cx, &mut sent);
            let again = extract(&propagator, &Context::new(), &sent);
            prop_assert!(again.span().span_context() == &span, "{sent:?}");
            prop_assert_eq!(again.baggage().len(), cx.baggage().len());
            let mut twice = HeaderMap::new();
            inject(&propagator, &again, &mut twice);
            prop_assert_eq!(twice, sent);
        }
    }

    #[test]
    fn one_pass_gives_the_same_as_looking_up_each_header(
        lines in vec((0..HEADERS.len(), near_header()), 0..8),
        valid in vec(valid_line(), 0..3),
        others in vec("(te|trailer|b|baggage-x|x-b|x-b3|traceparent2|host)", 0..4),
    ) {
        let mut headers = HeaderMap::new();
        let near = lines.into_iter().map(|(name, value)| (HEADERS[name].to_owned(), value));
        let others = others.into_iter().map(|name| (name, b"1".to_vec()));
        let valid = valid.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes()));
        for (name, value) in others.chain(valid).chain(near) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(HeaderName::try_from(name).unwrap(), value);
            }
        }
        for names in ["tracecontext", "baggage", "tracecontext,baggage", "b3,baggage", "b3multi", "tracecontext,b3,b3multi,baggage"] {
            let propagator: CompositePropagator = names.parse().unwrap();
            let parent = Context::new();
            let found = extract(&propagator, &parent, &headers);
            let looked_up = propagator.extract_with_context(&parent, &Lines(&headers));
            prop_assert_eq!(received(&propagator, &found), received(&propagator, &looked_up), "{} {:?}", names, headers);
        }
    }

    #[test]
    fn any_text_is_parsed_without_panic(text in ".{0,100}") {
        if let Ok(value) = text.parse::<Traceparent>() {
            prop_assert!(value.trace_id() != TraceId::INVALID && value.parent_id() != SpanId::INVALID);
        }
        if let Ok(value) = text.parse::<Tracestate>() {
            prop_assert!(value.members().count() <= 32);
        }
        if let Err(error) = text.parse::<B3>() {
            prop_assert!(error.position() <= text.len() && error.to_string().starts_with("b3: "));
        }
    }

    #[test]
    fn near_text_gives_an_error_within_it(value in near_header()) {
        let text = String::from_utf8_lossy(&value);
        let errors = [
            text.parse::<Traceparent>().err(),
            text.parse::<Tracestate>().err(),
            text.parse::<B3>().err(),
        ];
        for error in errors.into_iter().flatten() {
            prop_assert!(error.position() <= text.len(), "{error} in {text:?}");
        }
    }

    #[test]
    fn injected_trace_is_extracted_equal(
        trace in 1_u128..,
        span in 1_u64..,
        flags in 0..4_u8,
        members in vec(tracestate_member(), 0..=32),
    ) {
        let Ok(state) = members.join(",").parse::<TraceState>() else { return Ok(()) };
        let flags = TraceFlags::new(flags);
        let span = SpanContext::new(TraceId::from(trace), SpanId::from(span), flags, true, state);
        let cx = Context::new().with_remote_span_context(span.clone());
        let propagator = TraceContextPropagator::new();
        let mut carrier = HashMap::new();
        propagator.inject_context(&cx, &mut carrier);
        let back = propagator.extract_with_context(&Context::new(), &carrier);
        prop_assert!(back.span().span_context() == &span, "{carrier:?}");
    }

    #[test]
    fn injected_baggage_is_extracted_equal(pairs in proptest::collection::hash_map("[a-z]{1,8}", ".{0,20}", 0..20)) {
        let cx = Context::new().with_baggage(pairs.iter().map(|(k, v)| KeyValue::new(k.clone(), v.clone())));
        let propagator = BaggagePropagator::new();
        let mut carrier = HashMap::new();
        propagator.inject_context(&cx, &mut carrier);
        prop_assert!(carrier.values().all(|value| value.bytes().all(|b| (0x20..0x7f).contains(&b))));
        let back = propagator.extract_with_context(&Context::new(), &carrier);
        prop_assert_eq!(back.baggage().len(), pairs.len());
        for (key, value) in &pairs {
            prop_assert_eq!(back.baggage().get(key).map(|v| v.as_str()), Some(value.as_str()));
        }
    }

    #[test]
    fn received_baggage_leaves_with_its_own_encoding(members in vec(baggage_member(), 1..20)) {
        // The keys are made unique, because only the last of equal keys is kept.
        let members: Vec<_> = members.iter().enumerate().map(|(i, member)| format!("k{i}{member}")).collect();
        let propagator = BaggagePropagator::new();
        let mut list = members.join(",");
        // What was sent once is sent on byte by byte.
        for _ in 0..2 {
            let cx = propagator.extract_with_context(&Context::new(), &carrier("baggage", list));
            let mut sent = HashMap::new();
            propagator.inject_context(&cx, &mut sent);
            let expected: Vec<_> = members.iter().map(|member| sent_on(member)).collect();
            list = sent.remove("baggage").unwrap_or_default();
            prop_assert_eq!(&list, &expected.join(","));
        }
    }

    #[test]
    fn properties_of_the_application_are_valid_and_add_no_member(properties in ".{0,40}") {
        let cx = Context::new().with_baggage([KeyValueMetadata::new("k", "v", properties)]);
        let mut sent = HashMap::new();
        BaggagePropagator::new().inject_context(&cx, &mut sent);
        let list = &sent["baggage"];
        prop_assert!(BaggagePropagator::check(list).is_ok() && !list.contains(','), "{list}");
        prop_assert!(list.bytes().all(|byte| (0x21..0x7f).contains(&byte)), "{list}");
    }

    #[test]
    fn a_header_of_64_kib_is_refused_at_its_limit(filler in "[ -~]", length in 60_000..70_000_usize) {
        let text = filler.repeat(length);
        for (error, limit) in [
            (text.parse::<Traceparent>().unwrap_err(), 512),
            (text.parse::<Tracestate>().unwrap_err(), 16_447),
            (text.parse::<B3>().unwrap_err(), 68),
        ] {
            prop_assert!(error.is_limit());
            prop_assert_eq!(error.position(), limit, "refused by length, before anything is read");
        }
        let cx = BaggagePropagator::new().extract_with_context(&Context::new(), &carrier("baggage", format!("k={text}")));
        prop_assert!(cx.baggage().is_empty() || filler == "," || filler == ";" || filler == " ");
    }
}
