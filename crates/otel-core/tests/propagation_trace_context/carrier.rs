//! Header lines: how many are valid, how they are named, and which are removed.

use super::*;

#[test]
fn traceparent_is_no_list() {
    let other = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let cases: [(&str, &[&[u8]]); 4] = [
        ("two lines", &[PARENT.as_bytes(), other.as_bytes()]),
        ("two equal lines", &[PARENT.as_bytes(), PARENT.as_bytes()]),
        (
            "a line that is not ASCII before",
            &["é".as_bytes(), PARENT.as_bytes()],
        ),
        (
            "a line that is not UTF-8 behind",
            &[PARENT.as_bytes(), &[0xff]],
        ),
    ];
    for (name, lines) in cases {
        let headers = headers(lines.iter().map(|line| ("traceparent", *line)));
        let cx = extract(&TraceContextPropagator::new(), &Context::new(), &headers);
        assert!(!cx.has_active_span(), "{name}");
    }
}

#[test]
fn header_names_match_without_case_and_are_sent_in_lowercase() {
    for name in ["traceparent", "TraceParent", "TRACEPARENT"] {
        assert!(
            extracted(&[(name, PARENT)])
                .span()
                .span_context()
                .is_valid(),
            "{name}"
        );
    }
    for name in ["trace-parent", "trace.parent", "traceparent2"] {
        assert!(!extracted(&[(name, PARENT)]).has_active_span(), "{name}");
    }
    let mut carrier = Names(Vec::new());
    let cx = extracted(&[("traceparent", PARENT), ("tracestate", "a=1")]);
    TraceContextPropagator::new().inject_context(&cx, &mut carrier);
    assert_eq!(carrier.0, ["traceparent", "tracestate"]);
}

struct Names(Vec<String>);

impl opentelemetry::propagation::Injector for Names {
    fn set(&mut self, key: &str, _value: String) {
        self.0.push(key.to_owned());
    }
}

/// An extractor that does not implement `get_all`.
struct FirstLine(&'static str, &'static str);

impl Extractor for FirstLine {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(self.0),
            "tracestate" => Some(self.1),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

#[test]
fn an_extractor_without_get_all_gives_its_first_line() {
    let cx = TraceContextPropagator::new()
        .extract_with_context(&Context::new(), &FirstLine(PARENT, "foo=1"));
    assert_eq!(cx.span().span_context().trace_state().header(), "foo=1");
}

#[test]
fn nothing_is_sent_without_a_span_and_no_empty_tracestate() {
    assert!(sent(&Context::new()).is_empty());
    assert!(!sent(&extracted(&[("traceparent", PARENT)])).contains_key("tracestate"));
}

#[test]
fn a_leftover_header_is_removed_before_sending() {
    let lines: [(&str, &[u8]); 4] = [
        ("traceparent", b"old"),
        ("traceparent", b"older"),
        ("tracestate", b"old=1"),
        ("accept", b"*/*"),
    ];
    let mut headers = headers(lines);
    inject(
        &TraceContextPropagator::new(),
        &extracted(&[("traceparent", PARENT)]),
        &mut headers,
    );
    assert_eq!(
        headers.get_all("traceparent").iter().collect::<Vec<_>>(),
        [PARENT]
    );
    assert!(!headers.contains_key("tracestate"));
    assert_eq!(headers["accept"], "*/*");
    inject(
        &TraceContextPropagator::new(),
        &Context::new(),
        &mut headers,
    );
    assert!(
        !headers.contains_key("traceparent"),
        "removed without a span as well"
    );
}
