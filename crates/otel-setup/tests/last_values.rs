//! An attribute that is set twice is exported once.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use opentelemetry::trace::{
    Span as _, SpanContext, TraceContextExt as _, TraceFlags, TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue, SpanId, TraceId, global};
use otel_testkit::Collector;

use self::support::LIMIT;
use self::support::child::in_own_process;
use self::support::span_layer::with_span_layer;

/// A span of another process, to link to.
fn remote() -> SpanContext {
    let (trace, span) = (TraceId::from(1), SpanId::from(1));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::NONE)
}

/// Exports to this endpoint a span of the API and a span of `tracing`, whose attributes, events and links have keys twice.
fn export_duplicates(endpoint: String) {
    let builder = with_span_layer(otel_setup::builder());
    let builder = builder
        .service_name("checkout")
        .otlp_endpoint(endpoint)
        .resource(KeyValue::new("team", "first"))
        .resource(KeyValue::new("team", "last"));
    let telemetry = builder.init().unwrap();
    let twice = || {
        vec![
            KeyValue::new("key", 1),
            KeyValue::new("other", "value"),
            KeyValue::new("key", 2),
        ]
    };
    let tracer = global::tracer("test");
    let mut span = tracer.start("work");
    span.set_attribute(KeyValue::new("url.path", "/secret/path"));
    span.set_attributes(twice());
    span.set_attribute(KeyValue::new("url.path", "/redacted"));
    span.set_attribute(KeyValue::new("key", "three"));
    span.add_event("event", twice());
    span.add_link(remote(), twice());
    span.end();
    let span = tracing::info_span!("traced", step = "first", empty = tracing::field::Empty);
    span.in_scope(|| {
        span.record("step", "last");
        Context::current()
            .span()
            .set_attribute(KeyValue::new("user", "ada"));
        Context::current()
            .span()
            .set_attribute(KeyValue::new("user", "eva"));
    });
    drop(span);
    telemetry.shutdown();
}

fn assert_exported_once(protocol: &'static str, endpoint: fn(&Collector) -> String) {
    let collector = Collector::start().unwrap();
    let variables = [("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
    let endpoint = endpoint(&collector);
    temp_env::with_vars(variables.map(|(name, value)| (name, Some(value))), || {
        export_duplicates(endpoint);
    });
    collector
        .wait_for(|traces| traces.len() == 2, LIMIT)
        .unwrap();
    let spans = collector.stop();
    let span = |name: &str| spans.iter().find(|span| span.name() == name).unwrap();
    let once = [KeyValue::new("key", 2), KeyValue::new("other", "value")];
    let work = span("work");
    assert_eq!(
        work.attributes(),
        [
            KeyValue::new("url.path", "/redacted"),
            KeyValue::new("key", "three"),
            KeyValue::new("other", "value"),
        ]
    );
    assert_eq!(work.events()[0].attributes, once);
    assert_eq!(work.links()[0].attributes, once);
    let team = work
        .resource()
        .iter()
        .filter(|it| it.key.as_str() == "team");
    assert_eq!(
        team.cloned().collect::<Vec<_>>(),
        [KeyValue::new("team", "last")]
    );
    let traced = span("traced");
    for (key, value) in [("step", "last"), ("user", "eva")] {
        let found = traced
            .attributes()
            .iter()
            .filter(|it| it.key.as_str() == key);
        assert_eq!(
            found.cloned().collect::<Vec<_>>(),
            [KeyValue::new(key, value)]
        );
    }
}

#[test]
fn an_attribute_that_is_set_twice_is_exported_once_over_http() {
    let name = "an_attribute_that_is_set_twice_is_exported_once_over_http";
    in_own_process(name, &[], || {
        assert_exported_once("http/protobuf", Collector::http_endpoint);
    });
}

#[cfg(feature = "grpc")]
#[test]
fn an_attribute_that_is_set_twice_is_exported_once_over_grpc() {
    let name = "an_attribute_that_is_set_twice_is_exported_once_over_grpc";
    in_own_process(name, &[], || {
        assert_exported_once("grpc", Collector::grpc_endpoint);
    });
}
