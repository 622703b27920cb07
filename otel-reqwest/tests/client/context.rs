//! Whose child the attempt is, and what the server is told.

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::noop::NoopTracerProvider;
use opentelemetry::trace::{
    FutureExt as _, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry_sdk::trace::Sampler;
use otel_core::propagation::TraceContextPropagator;
use otel_reqwest::ClientMiddleware;
use otel_testkit::Recorder;
use reqwest_middleware::ClientBuilder;
use tracing::Instrument as _;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::server::Server;
use crate::{block_on, client, traceparent};

#[test]
fn the_server_is_told_the_id_of_the_attempt_not_of_its_parent() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let tracer = recorder.tracer_provider().tracer("test");
    let context = Context::current_with_span(tracer.start("work"));
    let request = client(&recorder)
        .get(server.url("/"))
        .send()
        .with_context(context);
    block_on(request).unwrap();
    let trace = recorder.trace();
    trace.assert_child_of("GET", "work");
    assert_eq!(
        server.header("traceparent"),
        [traceparent(trace.span("GET").unwrap())]
    );
}

#[test]
fn each_attempt_is_a_sibling_with_an_id_of_its_own() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let client = client(&recorder);
    let tracer = recorder.tracer_provider().tracer("test");
    let context = Context::current_with_span(tracer.start("work"));
    let both = async {
        client.get(server.url("/")).send().await.unwrap();
        client.get(server.url("/")).send().await.unwrap();
    };
    block_on(both.with_context(context));
    let first = server.header("traceparent");
    assert_ne!(first, server.header("traceparent"));
    let trace = recorder.trace();
    let work = trace.span("work").unwrap();
    assert_eq!(trace.children(work).len(), 2, "{trace}");
}

#[test]
fn the_current_tracing_span_is_the_parent_also_where_no_context_is_activated() {
    for activation in [true, false] {
        let recorder = Recorder::new();
        let layer = if activation {
            recorder.layer().boxed()
        } else {
            tracing_opentelemetry::layer()
                .with_tracer(recorder.tracer_provider().tracer("test"))
                .with_context_activation(false)
                .boxed()
        };
        let _subscriber =
            tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        let server = Server::with_status("200 OK");
        let request = client(&recorder).get(server.url("/")).send();
        block_on(request.instrument(tracing::info_span!("work"))).unwrap();
        recorder.trace().assert_child_of("GET", "work");
    }
}

#[test]
fn no_level_filter_reaches_the_span() {
    use tracing_subscriber::filter::LevelFilter;

    let recorder = Recorder::new();
    let tracer = recorder.tracer_provider().tracer("test");
    let layer = recorder.layer().with_filter(LevelFilter::OFF);
    let _subscriber = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let server = Server::with_status("200 OK");
    let context = Context::current_with_span(tracer.start("work"));
    let request = client(&recorder).get(server.url("/")).send();
    let request = request.instrument(tracing::info_span!("filtered"));
    block_on(request.with_context(context)).unwrap();
    let trace = recorder.trace();
    trace.assert_child_of("GET", "work");
    let sent = traceparent(trace.span("GET").unwrap());
    assert_eq!(server.header("traceparent"), [sent]);
}

#[test]
fn what_the_headers_held_before_is_replaced() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let request = client(&recorder)
        .get(server.url("/"))
        .header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        .header("tracestate", "old=1")
        .header("baggage", "old=1");
    block_on(request.send()).unwrap();
    let head = server.head();
    let sent = traceparent(&recorder.trace().spans()[0]);
    assert!(head.contains(&format!("traceparent: {sent}")), "{head:?}");
    assert!(!head.iter().any(|line| line.contains("old=1")), "{head:?}");
}

#[test]
fn baggage_goes_along() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let context = Context::current_with_baggage([opentelemetry::KeyValue::new("user", "ada")]);
    let request = client(&recorder).get(server.url("/")).send();
    block_on(request.with_context(context)).unwrap();
    assert_eq!(server.header("baggage"), ["user=ada"]);
}

#[test]
fn a_parent_that_is_not_sampled_is_handed_on() {
    let parent_based = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
    let recorder = Recorder::builder().sampler(parent_based).build();
    let server = Server::with_status("200 OK");
    let request = client(&recorder).get(server.url("/")).send();
    block_on(request.with_context(remote(TraceFlags::NOT_SAMPLED))).unwrap();
    let sent = server.header("traceparent").remove(0);
    assert!(
        sent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"),
        "{sent}"
    );
    assert!(sent.ends_with("-00"), "{sent}");
    assert_eq!(recorder.spans().len(), 0);
}

#[test]
fn without_an_sdk_the_context_passes_unchanged() {
    let middleware = ClientMiddleware::new()
        .tracer_provider(&NoopTracerProvider::new())
        .propagator(TraceContextPropagator::new());
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(middleware)
        .build();
    let server = Server::with_status("200 OK");
    let request = client.get(server.url("/")).send();
    block_on(request.with_context(remote(TraceFlags::SAMPLED))).unwrap();
    let head = server.head();
    let expected = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert!(head.iter().any(|line| line == expected), "{head:?}");
    assert!(
        head.iter().any(|line| line == "tracestate: vendor=1"),
        "{head:?}"
    );
}

#[test]
fn while_telemetry_is_suppressed_a_request_passes_untouched() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let context = remote(TraceFlags::SAMPLED).with_telemetry_suppressed();
    let request = client(&recorder).get(server.url("/")).send();
    block_on(request.with_context(context)).unwrap();
    assert_eq!(server.header("traceparent"), [""; 0]);
    assert_eq!(recorder.spans().len(), 0);
}

fn remote(flags: TraceFlags) -> Context {
    let state = TraceState::from_key_value([("vendor", "1")]).unwrap();
    Context::new().with_remote_span_context(SpanContext::new(
        TraceId::from_hex("4bf92f3577b34da6a3ce929d0e0e4736").unwrap(),
        SpanId::from_hex("00f067aa0ba902b7").unwrap(),
        flags,
        true,
        state,
    ))
}
