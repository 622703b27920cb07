//! Flags and baggage with the propagators of `OTEL_PROPAGATORS`: each test in a process of its own.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::collections::HashMap;

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{
    Link, SpanBuilder, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otel_setup::{Builder, Telemetry};
use prost::Message as _;

use self::support::child::in_own_process;
use self::support::{Endpoint, Mood, start};

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

#[test]
fn exported_spans_and_links_have_the_random_flag_of_the_caller() {
    let name = "exported_spans_and_links_have_the_random_flag_of_the_caller";
    in_own_process(name, &[("OTEL_METRICS_EXPORTER", "none")], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(endpoint.url());
        let tracer = telemetry.tracer_provider().unwrap().tracer("test");
        let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";
        let headers = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
        let caller = global::get_text_map_propagator(|it| {
            it.extract_with_context(&Context::new(), &headers)
        });
        let server = caller.with_span(tracer.start_with_context("server", &caller));
        let active = server.attach();
        tracing::info_span!("of tracing").in_scope(|| ());
        drop(active);
        let link = Link::with_context(caller.span().span_context().clone());
        let linked = SpanBuilder::from_name("linked").with_links(vec![link]);
        drop(tracer.build_with_context(linked, &Context::new()));
        drop(telemetry);

        let requests = endpoint.requests();
        let spans = requests.iter().flat_map(|request| {
            let request = ExportTraceServiceRequest::decode(request.body.as_slice()).unwrap();
            let scopes = request.resource_spans.into_iter();
            let scopes = scopes.flat_map(|resource| resource.scope_spans);
            scopes.flat_map(|scope| scope.spans)
        });
        // The flags of W3C, 0x100 (what follows is known), and 0x200 (the parent or the linked span is remote).
        let mut flags: Vec<_> = spans
            .map(|span| {
                let links: Vec<_> = span.links.iter().map(|link| link.flags).collect();
                (span.name, span.flags, links)
            })
            .collect();
        flags.sort();
        let expected = [
            ("linked".to_owned(), 0x101, vec![0x303]),
            ("of tracing".to_owned(), 0x103, vec![]),
            ("server".to_owned(), 0x303, vec![]),
        ];
        assert_eq!(flags, expected);
    });
}
