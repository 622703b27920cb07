//! `extract` finds the headers in one pass. The result is the same as if the propagator looked up each header.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which fail by panicking"
)]

use std::panic::catch_unwind;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    baggage::BaggageExt as _,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::TraceContextExt as _,
};
use otel_core::propagation::{CompositePropagator, extract};

const SENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER: &str = "00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01";
const ALL: [(&str, &str); 4] = [
    ("traceparent", SENT),
    ("tracestate", "a=1"),
    ("baggage", "user=ada"),
    ("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-d"),
];

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers
}

fn all_formats() -> CompositePropagator {
    "tracecontext,b3,baggage".parse().unwrap()
}

/// The trace-id, the tracestate and the baggage.
fn received(cx: &Context) -> [String; 3] {
    let span = cx.span().span_context().clone();
    let user = cx.baggage().get("user").map(ToString::to_string);
    [
        span.trace_id().to_string(),
        span.trace_state().header(),
        user.unwrap_or_default(),
    ]
}

fn all_received() -> [String; 3] {
    [&SENT[3..35], "a=1", "ada"].map(str::to_owned)
}

type Extract = fn(&CompositePropagator, &Context, &dyn Extractor) -> Context;

/// A propagator of the application, which uses ours.
#[derive(Debug)]
struct Wrapper(CompositePropagator, Extract);

impl TextMapPropagator for Wrapper {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        self.0.inject_context(cx, injector);
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        (self.1)(&self.0, cx, extractor)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

fn extract_by(extract_with: Extract, lines: &[(&'static str, &'static str)]) -> [String; 3] {
    let propagator = Wrapper(all_formats(), extract_with);
    received(&extract(&propagator, &Context::new(), &headers(lines)))
}

/// An extractor that hides one header. It is as large as a reference, as our extractor is.
struct Hiding<'a, const NAME: usize>(&'a &'a dyn Extractor);

impl<const NAME: usize> Extractor for Hiding<'_, NAME> {
    fn get(&self, key: &str) -> Option<&str> {
        (key != ALL[NAME].0).then(|| self.0.get(key)).flatten()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        (key != ALL[NAME].0).then(|| self.0.get_all(key)).flatten()
    }
}

/// An extractor of size zero, whose address may be that of another value.
struct Fixed;

impl Extractor for Fixed {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent").then_some(OTHER)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

#[test]
fn a_wrapper_that_passes_the_extractor_on_changes_nothing() {
    let passed: Extract = |ours, cx, extractor| ours.extract_with_context(cx, extractor);
    assert_eq!(extract_by(passed, &ALL), all_received());
}

#[test]
fn what_a_wrapper_hides_stays_hidden() {
    let [trace, state, user] = all_received();
    let nothing = String::new;
    let no_traceparent: Extract =
        |ours, cx, extractor| ours.extract_with_context(cx, &Hiding::<0>(&extractor));
    let no_tracestate: Extract =
        |ours, cx, extractor| ours.extract_with_context(cx, &Hiding::<1>(&extractor));
    let no_baggage: Extract =
        |ours, cx, extractor| ours.extract_with_context(cx, &Hiding::<2>(&extractor));
    // Then the trace comes from b3.
    let expected = [trace.clone(), nothing(), user.clone()];
    assert_eq!(extract_by(no_traceparent, &ALL), expected);
    let expected = [trace.clone(), nothing(), user];
    assert_eq!(extract_by(no_tracestate, &ALL), expected);
    let expected = [trace, state, nothing()];
    assert_eq!(extract_by(no_baggage, &ALL), expected);
}

#[test]
fn what_a_wrapper_adds_is_read() {
    let fixed: Extract = |ours, cx, _| ours.extract_with_context(cx, &Fixed);
    let expected = [OTHER[3..35].to_owned(), String::new(), String::new()];
    assert_eq!(extract_by(fixed, &ALL), expected);
    assert_eq!(extract_by(fixed, &[]), expected);
}

#[test]
fn a_nested_extraction_reads_its_own_headers() {
    fn inner() -> [String; 3] {
        let lines = [("traceparent", OTHER), ("baggage", "user=bob")];
        received(&extract(&all_formats(), &Context::new(), &headers(&lines)))
    }
    fn check_inner() {
        let expected = [&OTHER[3..35], "", "bob"].map(str::to_owned);
        assert_eq!(inner(), expected);
    }
    let before: Extract = |ours, cx, extractor| {
        check_inner();
        ours.extract_with_context(cx, extractor)
    };
    let after: Extract = |ours, cx, extractor| {
        let cx = ours.extract_with_context(cx, extractor);
        check_inner();
        cx
    };
    for nested in [before, after] {
        assert_eq!(extract_by(nested, &ALL), all_received());
        // The inner headers do not appear in a request that has none.
        let nothing = received(&Context::new());
        assert_eq!(extract_by(nested, &[]), nothing);
    }
}

#[test]
fn a_panic_in_a_propagator_leaves_nothing_behind() {
    let panics: Extract = |ours, cx, extractor| {
        let _ = ours.extract_with_context(cx, extractor);
        panic!("the propagator of the application");
    };
    for _ in 0..3 {
        assert!(catch_unwind(|| extract_by(panics, &ALL)).is_err());
        let nothing = received(&Context::new());
        assert_eq!(
            extract_by(|ours, cx, it| ours.extract_with_context(cx, it), &[]),
            nothing
        );
        let fixed: Extract = |ours, cx, _| ours.extract_with_context(cx, &Fixed);
        assert_eq!(extract_by(fixed, &ALL).first().unwrap(), &OTHER[3..35]);
    }
}

#[test]
fn repeated_and_padded_lines_are_read_as_by_look_up() {
    let cases: [(&[(&'static str, &'static str)], bool); 7] = [
        (&[("traceparent", SENT)], true),
        (&[("traceparent", SENT), ("traceparent", SENT)], false),
        (
            &[
                ("traceparent", SENT),
                ("traceparent", SENT),
                ("traceparent", SENT),
            ],
            false,
        ),
        (&[("traceparent", "x"), ("traceparent", SENT)], false),
        (
            &[(
                "traceparent",
                " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\t",
            )],
            true,
        ),
        (
            &[(
                "traceparent",
                "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what",
            )],
            true,
        ),
        // Of the length of a traceparent, with blanks at the ends.
        (
            &[(
                "traceparent",
                " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331- ",
            )],
            false,
        ),
    ];
    let propagator = CompositePropagator::default();
    for (lines, is_valid) in cases {
        let cx = extract(&propagator, &Context::new(), &headers(lines));
        assert_eq!(cx.span().span_context().is_valid(), is_valid, "{lines:?}");
    }
    // A higher version may end with any text, but not with other bytes.
    for (end, is_valid) in [("é".as_bytes(), true), (&[0xff], false)] {
        let line = [b"cc", &SENT.as_bytes()[2..], b"-", end].concat();
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", HeaderValue::from_bytes(&line).unwrap());
        let cx = extract(&propagator, &Context::new(), &headers);
        assert_eq!(cx.span().span_context().is_valid(), is_valid, "{end:?}");
    }
}
