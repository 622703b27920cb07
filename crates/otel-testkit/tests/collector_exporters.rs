//! The real exporters send to the receiver, which receives exactly the spans that the SDK finished.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::{
    str::FromStr as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry::{
    Array, Context, KeyValue, SpanId, TraceFlags, TraceId, Value,
    trace::{
        Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _,
        TraceState, Tracer as _, TracerProvider as _,
    },
};
use opentelemetry_otlp::{
    Compression, SpanExporter, WithExportConfig as _, WithHttpConfig as _, WithTonicConfig as _,
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{
        BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, Span as SdkSpan, SpanData,
        SpanProcessor,
    },
};
use otel_testkit::{Collector, Span};

const LIMIT: Duration = Duration::from_secs(60);

/// Keeps the spans that the SDK passes to its processors, to compare the received spans with them.
#[derive(Clone, Debug, Default)]
struct Finished(Arc<Mutex<Vec<SpanData>>>);

impl SpanProcessor for Finished {
    fn on_start(&self, _span: &mut SdkSpan, _cx: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn resource() -> Resource {
    Resource::builder_empty()
        .with_service_name("shop")
        .with_attribute(KeyValue::new("host.name", "a"))
        .build()
}

fn provider(exporter: SpanExporter, finished: &Finished) -> SdkTracerProvider {
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(30_000)
        .with_max_export_batch_size(512)
        .build();
    SdkTracerProvider::builder()
        .with_resource(resource())
        .with_span_processor(finished.clone())
        .with_span_processor(
            BatchSpanProcessor::builder(exporter)
                .with_batch_config(config)
                .build(),
        )
        .build()
}

fn http(collector: &Collector, compression: Option<Compression>) -> SpanExporter {
    let endpoint = format!("{}/v1/traces", collector.http_endpoint());
    let builder = SpanExporter::builder().with_http().with_endpoint(endpoint);
    match compression {
        Some(compression) => builder.with_compression(compression).build().unwrap(),
        None => builder.build().unwrap(),
    }
}

fn grpc(collector: &Collector, compression: Option<Compression>) -> SpanExporter {
    let endpoint = collector.grpc_endpoint();
    let builder = SpanExporter::builder().with_tonic().with_endpoint(endpoint);
    match compression {
        Some(compression) => builder.with_compression(compression).build().unwrap(),
        None => builder.build().unwrap(),
    }
}

/// A remote parent, a child with every kind of attribute, an event, a link and an error.
fn record(provider: &SdkTracerProvider) {
    let tracer = provider.tracer("checkout");
    let remote = SpanContext::new(
        TraceId::from(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736),
        SpanId::from(0x00f0_67aa_0ba9_02b7),
        TraceFlags::SAMPLED,
        true,
        TraceState::from_str("vendor=1,other=2").unwrap(),
    );
    let parent = Context::new().with_remote_span_context(remote.clone());
    let server = tracer.build_with_context(
        SpanBuilder::from_name("GET /checkout").with_kind(SpanKind::Server),
        &parent,
    );
    let parent = Context::new().with_span(server);
    let mut client = tracer.build_with_context(
        SpanBuilder::from_name("GET")
            .with_kind(SpanKind::Client)
            .with_attributes([
                KeyValue::new("text", "grüße"),
                KeyValue::new("int", i64::MIN),
                KeyValue::new("double", 0.1),
                KeyValue::new("bool", true),
                KeyValue::new(
                    "list",
                    Value::Array(Array::String(vec!["a".into(), "b".into()])),
                ),
            ])
            .with_links(vec![Link::new(remote, vec![KeyValue::new("why", 1)], 0)]),
        &parent,
    );
    client.add_event("retry", vec![KeyValue::new("attempt", 2)]);
    client.set_status(Status::error("connection refused"));
    client.end();
    parent.span().set_status(Status::Ok);
    parent.span().end();
}

#[track_caller]
fn assert_same_spans(mut sent: Vec<SpanData>, mut arrived: Vec<Span>) {
    assert_eq!(sent.len(), arrived.len());
    sent.sort_by_key(|span| span.span_context.span_id().to_bytes());
    arrived.sort_by_key(|span| span.span_id().to_bytes());
    let resource = resource();
    let sent = sent.into_iter().map(|span| Span::from_sdk(span, &resource));
    // The SDK does not keep the order of resource attributes.
    let sorted = |span: &Span| {
        let mut resource = span.resource().to_vec();
        resource.sort_by_key(|attribute| attribute.key.clone());
        resource
    };
    for (sent, arrived) in sent.zip(&arrived) {
        assert_eq!(sorted(&sent), sorted(arrived));
        assert_eq!(without_resource(&sent), without_resource(arrived));
    }
}

/// Everything except the resource, from the public accessors.
fn without_resource(span: &Span) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        (span.trace_id(), span.span_id(), span.parent_span_id()),
        (
            span.parent_is_remote(),
            span.trace_flags(),
            span.trace_state().to_owned(),
        ),
        (
            span.name().to_owned(),
            span.kind().clone(),
            span.scope().to_owned(),
        ),
        (span.start(), span.end(), span.status().clone()),
        (
            span.attributes().to_vec(),
            span.events().to_vec(),
            span.links().to_vec(),
        ),
    )
}

fn check(name: &str, exporter: impl Fn(&Collector) -> SpanExporter) {
    let collector = Collector::start().unwrap();
    let finished = Finished::default();
    let provider = provider(exporter(&collector), &finished);
    record(&provider);
    provider
        .force_flush()
        .unwrap_or_else(|error| panic!("{name}: {error}"));

    let traces = collector
        .wait_for(
            |traces| traces.iter().any(|trace| trace.spans().len() == 2),
            LIMIT,
        )
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(traces.len(), 1, "{name}");
    traces[0].assert_child_of("GET", "GET /checkout");
    assert_eq!(
        traces[0].orphans().len(),
        1,
        "{name}: the remote parent is elsewhere"
    );
    let client = traces[0].span("GET").unwrap();
    assert_eq!(client.service(), Some("shop"), "{name}");
    assert_eq!(client.attribute("int"), Some(&i64::MIN.into()), "{name}");
    assert_eq!(
        client.status(),
        &Status::error("connection refused"),
        "{name}"
    );
    assert_eq!(
        collector.trace(traces[0].id()).unwrap().spans(),
        traces[0].spans()
    );
    assert_same_spans(finished.0.lock().unwrap().clone(), collector.spans());
    provider.shutdown().unwrap();
}

#[test]
fn spans_arrive_whole_over_http() {
    check("plain", |collector| http(collector, None));
    check("gzip", |collector| http(collector, Some(Compression::Gzip)));
}

#[test]
fn spans_arrive_whole_over_grpc() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _guard = runtime.enter();
    check("plain", |collector| grpc(collector, None));
    check("gzip", |collector| grpc(collector, Some(Compression::Gzip)));
}

fn check_20_000(exporter: impl Fn(&Collector) -> SpanExporter) {
    let collector = Collector::start().unwrap();
    let finished = Finished::default();
    let provider = provider(exporter(&collector), &finished);
    let tracer = provider.tracer("load");
    for _ in 0..200 {
        let root = Context::new().with_span(tracer.start_with_context("root", &Context::new()));
        for _ in 0..99 {
            tracer.start_with_context("child", &root).end();
        }
        root.span().end();
    }
    provider.force_flush().unwrap();
    let traces = collector
        .wait_for(
            |traces| {
                traces
                    .iter()
                    .map(|trace| trace.spans().len())
                    .sum::<usize>()
                    == 20_000
            },
            LIMIT,
        )
        .unwrap();
    assert_eq!(traces.len(), 200);
    assert!(
        traces
            .iter()
            .all(|trace| trace.spans().len() == 100 && trace.orphans().is_empty())
    );
    assert_eq!(collector.dropped(), 0);
    provider.shutdown().unwrap();
}

#[test]
fn none_of_20_000_spans_in_batches_of_512_is_lost_over_http() {
    check_20_000(|collector| http(collector, None));
}

#[test]
fn none_of_20_000_spans_in_batches_of_512_is_lost_over_grpc() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _guard = runtime.enter();
    check_20_000(|collector| grpc(collector, None));
}
