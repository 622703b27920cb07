//! The application uses another version of OpenTelemetry than these crates, or none.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use opentelemetry_0_32::trace::{SpanKind, TracerProvider as _};
use opentelemetry_sdk_0_32::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use otel_tower::{ServerLayer, opentelemetry};
use tracing::Instrument as _;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

use crate::captured::Lines;
use crate::harness::{TRACEPARENT, ask, assert_warned_once, fmt_layer, in_own_process, warnings};

/// A handler that waits, with a body that is streamed, so that a request is polled many times.
async fn order() -> Body {
    tracing::info!("found");
    let wait = async {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    };
    wait.instrument(tracing::info_span!("load")).await;
    let frames = futures_util::stream::once(async {
        tracing::info_span!("send").in_scope(|| Ok::<_, std::io::Error>("order"))
    });
    Body::from_stream(frames)
}

fn app() -> Router {
    Router::new()
        .route("/orders/{id}", get(order))
        .layer(ServerLayer::new())
}

fn install(lines: &Lines) -> InMemorySpanExporter {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let layer = tracing_opentelemetry_0_33::layer().with_tracer(provider.tracer("app"));
    registry().with(layer).with(fmt_layer(lines)).init();
    exporter
}

/// The spans in the order of their ends. Asserts that they are one trace below this SERVER span.
#[track_caller]
fn assert_one_trace(spans: &[SpanData]) -> &SpanData {
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["load", "send", "GET /orders/{id}"]);
    let server = &spans[2];
    assert_eq!(server.span_kind, SpanKind::Server);
    for child in &spans[..2] {
        assert_eq!(child.parent_span_id, server.span_context.span_id());
        assert_eq!(
            child.span_context.trace_id(),
            server.span_context.trace_id()
        );
        assert!(child.end_time <= server.end_time && child.start_time >= server.start_time);
    }
    server
}

#[test]
fn another_version_of_opentelemetry_gets_one_trace_per_request_and_one_warning() {
    let name =
        "version::another_version_of_opentelemetry_gets_one_trace_per_request_and_one_warning";
    in_own_process(name, || {
        let lines = Lines::default();
        let exporter = install(&lines);
        let answers = ask(app(), &[&["GET /orders/7?lang=en"], &["GET /orders/8"]]);
        assert!(answers[0].contains("order"), "{answers:?}");
        let spans = exporter.get_finished_spans().unwrap();
        assert_eq!(spans.len(), 6, "{spans:#?}");
        let server = assert_one_trace(&spans[..3]);
        assert_one_trace(&spans[3..]);
        for (key, value) in [
            ("http.request.method", "GET"),
            ("http.route", "/orders/{id}"),
            ("url.path", "/orders/7"),
            ("url.query", "lang=en"),
        ] {
            let found = server.attributes.iter().find(|it| it.key.as_str() == key);
            assert_eq!(found.unwrap().value.as_str(), value, "{key}");
        }
        assert_warned_once(
            &lines,
            &[
                "opentelemetry 0.33",
                "tracing-opentelemetry 0.34",
                "`cargo tree -i opentelemetry`",
                "docs/troubleshooting.md#no_tracer_provider",
            ],
        );
    });
}

/// The caller's decision cannot be read by the other version, so the trace starts anew, with its attributes.
#[test]
fn another_version_sees_the_attributes_of_a_request_that_its_caller_does_not_sample() {
    let name =
        "version::another_version_sees_the_attributes_of_a_request_that_its_caller_does_not_sample";
    in_own_process(name, || {
        let propagator = otel_core::propagation::CompositePropagator::default();
        opentelemetry::global::set_text_map_propagator(propagator);
        let lines = Lines::default();
        let exporter = install(&lines);
        let unsampled = TRACEPARENT.replace("-01", "-00");
        ask(app(), &[&["GET /orders/7", &unsampled]]);
        let spans = exporter.get_finished_spans().unwrap();
        let server = assert_one_trace(&spans);
        let is_path = |it: &&opentelemetry_0_32::KeyValue| it.key.as_str() == "url.path";
        assert!(
            server.attributes.iter().any(|it| is_path(&it)),
            "{server:#?}"
        );
    });
}

#[test]
fn a_log_only_service_has_the_request_in_its_lines_and_one_warning() {
    let name = "version::a_log_only_service_has_the_request_in_its_lines_and_one_warning";
    in_own_process(name, || {
        let lines = Lines::default();
        registry().with(fmt_layer(&lines)).init();
        ask(app(), &[&["GET /orders/7"], &["GET /orders/8"]]);
        let text = lines.text();
        let found = text.lines().find(|line| line.ends_with("found")).unwrap();
        assert!(found.contains("url.path=\"/orders/7\""), "{found}");
        assert_warned_once(&lines, &["`cargo tree -i opentelemetry`"]);
    });
}

#[test]
fn a_service_whose_telemetry_is_off_on_purpose_is_not_warned() {
    let name = "version::a_service_whose_telemetry_is_off_on_purpose_is_not_warned";
    in_own_process(name, || {
        otel_core::deliberate::set_traces_off();
        let lines = Lines::default();
        registry().with(fmt_layer(&lines)).init();
        ask(app(), &[&["GET /orders/7"]]);
        assert_eq!(warnings(&lines, ""), [""; 0]);
    });
}

#[test]
fn a_shut_down_provider_is_not_a_missing_one() {
    use opentelemetry::trace::TracerProvider as _;

    let name = "version::a_shut_down_provider_is_not_a_missing_one";
    in_own_process(name, || {
        let lines = Lines::default();
        let provider = opentelemetry_sdk::trace::SdkTracerProvider::default();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("app"));
        registry().with(layer).with(fmt_layer(&lines)).init();
        ask(app(), &[&["GET /orders/7"]]);
        provider.shutdown().unwrap();
        ask(app(), &[&["GET /orders/8"]]);
        assert_eq!(warnings(&lines, ""), [""; 0]);
    });
}
