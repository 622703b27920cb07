//! `OTEL_PROPAGATORS`. The variable is global, so these tests run in a separate process.

use opentelemetry::propagation::TextMapPropagator as _;
use otel_core::propagation::{CompositePropagator, from_env};

const VARIABLE: &str = "OTEL_PROPAGATORS";
const W3C: [&str; 3] = ["traceparent", "tracestate", "baggage"];
const MULTI: [&str; 4] = ["x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags"];

fn fields(propagator: &CompositePropagator) -> Vec<String> {
    propagator.fields().map(str::to_owned).collect()
}

#[test]
fn the_variable_names_the_propagators() {
    let all = [&W3C[..2], &["b3"], &MULTI, &W3C[2..]].concat();
    let cases: [(&str, Option<&str>, &[&str]); 11] = [
        ("unset", None, &W3C),
        ("empty", Some(""), &W3C),
        ("blank", Some(" , "), &W3C),
        ("one", Some("tracecontext"), &W3C[..2]),
        ("baggage alone", Some("baggage"), &W3C[2..]),
        ("case and blanks", Some(" TraceContext , BAGGAGE"), &W3C),
        (
            "repeated",
            Some("baggage,tracecontext,baggage,tracecontext"),
            &W3C,
        ),
        ("single", Some("b3"), &["b3"]),
        ("multi", Some("b3multi"), &MULTI),
        ("everything", Some("b3multi,b3,baggage,tracecontext"), &all),
        ("none", Some("None"), &[]),
    ];
    for (name, value, expected) in cases {
        let propagator = temp_env::with_var(VARIABLE, value, || from_env().unwrap());
        assert_eq!(fields(&propagator), expected, "{name}");
    }
}

#[test]
fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
    let error = temp_env::with_var(VARIABLE, Some("tracecontext,jaeger"), || {
        from_env().unwrap_err()
    });
    assert!(error.is_unknown_name());
    assert_eq!(
        error.to_string(),
        "OTEL_PROPAGATORS: unknown propagator \"jaeger\"; use a list of tracecontext, baggage, b3, b3multi, none"
    );
}

#[test]
fn none_beside_others_is_an_error() {
    let error = temp_env::with_var(VARIABLE, Some("none,b3"), || from_env().unwrap_err());
    assert!(!error.is_unknown_name());
    assert!(
        error.to_string().contains("use it alone or remove it"),
        "{error}"
    );
}
