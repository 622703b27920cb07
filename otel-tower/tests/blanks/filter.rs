//! A filter hides the target of the SERVER spans from the layer of tracing-opentelemetry, and no global provider is set.

use axum::Router;
use axum::routing::get;
use opentelemetry::global;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider};
use otel_core::propagation::CompositePropagator;
use otel_tower::ServerLayer;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

use crate::captured::Lines;
use crate::harness::{
    TRACE_ID, TRACEPARENT, ask, assert_warned_once, fmt_layer, in_own_process, warnings,
};

const WARNING: [&str; 4] = [
    "target `otel_tower`",
    "`opentelemetry::global::set_tracer_provider`",
    "`otel_tower=info`",
    "docs/troubleshooting.md#server_span_hidden",
];

fn app() -> Router {
    let work = || async { tracing::info_span!("work").in_scope(|| tracing::info!("working")) };
    Router::new()
        .route("/orders/{id}", get(work))
        .layer(ServerLayer::new())
}

fn tracer() -> (InMemorySpanExporter, SdkTracer) {
    global::set_text_map_propagator(CompositePropagator::default());
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    (exporter, provider.tracer("app"))
}

/// There is no SERVER span, and the spans of the handler continue the caller's trace.
#[track_caller]
fn assert_trace_without_server_span(exporter: &InMemorySpanExporter) {
    let spans = exporter.get_finished_spans().unwrap();
    let found: Vec<_> = spans
        .iter()
        .map(|span| (&*span.name, span.parent_span_id.to_string()))
        .collect();
    let work = ("work", "00f067aa0ba902b7".to_owned());
    assert_eq!(found, [work.clone(), work]);
    for span in &spans {
        assert_eq!(span.span_context.trace_id().to_string(), TRACE_ID);
    }
}

#[track_caller]
fn assert_two_requests_are_reported_once(exporter: &InMemorySpanExporter, lines: &Lines) {
    let request: &[&str] = &["GET /orders/7", TRACEPARENT];
    ask(app(), &[request, request]);
    assert_trace_without_server_span(exporter);
    assert_warned_once(lines, &WARNING);
}

#[test]
fn a_filter_that_hides_the_server_span_is_reported_past_the_filter() {
    let name = "filter::a_filter_that_hides_the_server_span_is_reported_past_the_filter";
    in_own_process(name, || {
        let (lines, (exporter, tracer)) = (Lines::default(), tracer());
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        registry()
            .with(EnvFilter::new("blanks=info"))
            .with(layer)
            .with(fmt_layer(&lines))
            .init();
        assert_two_requests_are_reported_once(&exporter, &lines);
    });
}

#[test]
fn a_filter_of_the_span_layer_alone_is_reported_too() {
    let name = "filter::a_filter_of_the_span_layer_alone_is_reported_too";
    in_own_process(name, || {
        let (lines, (exporter, tracer)) = (Lines::default(), tracer());
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        registry()
            .with(layer.with_filter(EnvFilter::new("blanks=info")))
            .with(fmt_layer(&lines))
            .init();
        assert_two_requests_are_reported_once(&exporter, &lines);
        // The other layers see the request.
        let text = lines.text();
        let line = text.lines().find(|line| line.ends_with("working")).unwrap();
        assert!(line.contains("url.path=\"/orders/7\""), "{line}");
    });
}

#[test]
fn filters_of_each_layer_do_not_hide_the_report() {
    let name = "filter::filters_of_each_layer_do_not_hide_the_report";
    in_own_process(name, || {
        let (lines, (exporter, tracer)) = (Lines::default(), tracer());
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        registry()
            .with(layer.with_filter(EnvFilter::new("blanks=info")))
            .with(fmt_layer(&lines).with_filter(EnvFilter::new("blanks=info")))
            .init();
        assert_two_requests_are_reported_once(&exporter, &lines);
    });
}

#[test]
fn without_the_span_layer_a_filter_is_not_reported() {
    let name = "filter::without_the_span_layer_a_filter_is_not_reported";
    in_own_process(name, || {
        let lines = Lines::default();
        registry()
            .with(EnvFilter::new("blanks=info"))
            .with(fmt_layer(&lines))
            .init();
        ask(app(), &[&["GET /orders/7"]]);
        assert_eq!(warnings(&lines, ""), [""; 0]);
        assert!(lines.text().contains("working"));
    });
}

#[test]
fn a_filter_that_hides_all_warnings_is_obeyed() {
    let name = "filter::a_filter_that_hides_all_warnings_is_obeyed";
    in_own_process(name, || {
        let (lines, (_, tracer)) = (Lines::default(), tracer());
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        registry()
            .with(EnvFilter::new("error"))
            .with(layer)
            .with(fmt_layer(&lines))
            .init();
        ask(app(), &[&["GET /orders/7"]]);
        assert_eq!(lines.text(), "");
    });
}

#[test]
fn a_global_provider_makes_the_server_span_behind_a_filter() {
    let name = "filter::a_global_provider_makes_the_server_span_behind_a_filter";
    in_own_process(name, || {
        let (lines, exporter) = (Lines::default(), InMemorySpanExporter::default());
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        global::set_tracer_provider(provider.clone());
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("app"));
        registry()
            .with(EnvFilter::new("blanks=info"))
            .with(layer)
            .with(fmt_layer(&lines))
            .init();
        ask(app(), &[&["GET /orders/7"]]);
        let spans = exporter.get_finished_spans().unwrap();
        let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
        assert_eq!(names, ["work", "GET /orders/{id}"]);
        assert_eq!(warnings(&lines, ""), [""; 0]);
    });
}

/// With the layer of otel-tracing the span is opened by the provider of the layer, whatever the filter says.
#[test]
fn the_layer_of_otel_tracing_makes_the_server_span_behind_a_filter() {
    let name = "filter::the_layer_of_otel_tracing_makes_the_server_span_behind_a_filter";
    in_own_process(name, || {
        let (lines, exporter) = (Lines::default(), InMemorySpanExporter::default());
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        registry()
            .with(EnvFilter::new("blanks=info"))
            .with(otel_tracing::layer(&provider))
            .with(fmt_layer(&lines))
            .init();
        ask(app(), &[&["GET /orders/7"]]);
        let spans = exporter.get_finished_spans().unwrap();
        let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
        assert_eq!(names, ["work", "GET /orders/{id}"]);
        assert_eq!(warnings(&lines, ""), [""; 0]);
    });
}
