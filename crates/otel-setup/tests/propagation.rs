//! Options for the propagators of `OTEL_PROPAGATORS`: each test in a process of its own.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "each test file uses a part")]
mod support {
    pub(crate) mod child;
}

use std::collections::HashMap;

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue, global};
use otel_setup::{Builder, Telemetry};

use self::support::child::in_own_process;

const WITHOUT_EXPORT: [(&str, &str); 3] = [
    ("OTEL_PROPAGATORS", "tracecontext,b3,baggage"),
    ("OTEL_TRACES_EXPORTER", "none"),
    ("OTEL_METRICS_EXPORTER", "none"),
];

/// The headers that a root span with 3,000 bytes of baggage sends.
fn sent(change: impl FnOnce(Builder) -> Builder) -> HashMap<String, String> {
    let builder = change(otel_setup::builder().service_name("checkout"));
    let telemetry: Telemetry = builder.init().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    let baggage = ["a", "b", "c"].map(|key| KeyValue::new(key, "v".repeat(998)));
    let context = Context::new().with_span(tracer.start_with_context("root", &Context::new()));
    let context = context.with_baggage(baggage);
    let mut headers = HashMap::new();
    global::get_text_map_propagator(|it| it.inject_context(&context, &mut headers));
    headers
}

#[test]
fn new_traces_are_random_and_baggage_is_limited_only_by_option() {
    let name = "new_traces_are_random_and_baggage_is_limited_only_by_option";
    in_own_process(name, &WITHOUT_EXPORT, || {
        let headers = sent(|builder| builder);
        assert!(headers["traceparent"].ends_with("-01"), "{headers:?}");
        assert_eq!(headers["baggage"].len(), 3002);
    });
}

#[test]
fn the_options_apply_to_the_propagators_of_the_variable() {
    let name = "the_options_apply_to_the_propagators_of_the_variable";
    in_own_process(name, &WITHOUT_EXPORT, || {
        let headers = sent(|builder| builder.random_trace_ids(true).max_baggage_bytes(2500));
        assert!(headers["traceparent"].ends_with("-03"), "{headers:?}");
        assert!(headers["b3"].ends_with("-1"), "{headers:?}");
        assert_eq!(headers["baggage"].len(), 2001, "two whole members");
    });
}
