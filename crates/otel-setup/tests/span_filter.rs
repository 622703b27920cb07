//! Which spans are made: `Builder::span_filter`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot continue has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use opentelemetry_sdk::trace::InMemorySpanExporter;
use otel_setup::{Builder, Exporter};

use self::support::own_process::{Output, in_own_process};
use self::support::span_layer::with_span_layer;

/// Runs spans of several targets, and checks which of them are exported.
fn check(
    name: &str,
    variables: &[(&str, &str)],
    make: fn(Builder) -> Builder,
    expected: &[&str],
) -> Output {
    in_own_process(name, variables, || {
        let exporter = InMemorySpanExporter::default();
        let builder = otel_setup::builder().service_name("shop");
        let builder = builder.traces_exporter(Exporter::None);
        let builder = with_span_layer(builder.metrics_exporter(Exporter::None));
        let builder = make(builder.span_exporter(exporter.clone()));
        let telemetry = builder.init().unwrap();
        drop(tracing::info_span!(target: "shop", "order"));
        drop(tracing::debug_span!(target: "shop::sql", "query"));
        drop(tracing::trace_span!(target: "shop::sql", "row"));
        drop(tracing::debug_span!(target: "bank", "pay"));
        drop(tracing::debug_span!(target: "h2::proto", "frame"));
        telemetry.tracer_provider().unwrap().force_flush().unwrap();
        let spans = exporter.get_finished_spans().unwrap();
        let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
        assert_eq!(names, expected);
    })
}

#[test]
fn spans_below_info_are_made_for_a_listed_target() {
    let name = "spans_below_info_are_made_for_a_listed_target";
    let make = |builder: Builder| builder.span_filter("info,shop::sql=debug");
    check(name, &[("RUST_LOG", "off")], make, &["order", "query"]);
}

#[test]
fn spans_of_other_targets_keep_their_level() {
    let name = "spans_of_other_targets_keep_their_level";
    let make = |builder: Builder| builder.span_filter("bank=debug");
    check(name, &[], make, &["order", "pay"]);
}

#[test]
fn spans_of_the_transport_stay_off_unless_listed() {
    let name = "spans_of_the_transport_stay_off_unless_listed";
    let make = |builder: Builder| builder.span_filter("debug");
    check(name, &[], make, &["order", "query", "pay"]);
}

#[test]
fn listed_spans_of_the_transport_are_made() {
    let name = "listed_spans_of_the_transport_are_made";
    let make = |builder: Builder| builder.span_filter("warn, h2=debug");
    check(name, &[], make, &["frame"]);
}

#[test]
fn a_span_filter_that_cannot_be_used_is_one_warning() {
    let name = "a_span_filter_that_cannot_be_used_is_one_warning";
    let make = |builder: Builder| builder.span_filter("shop=loud");
    let output = check(name, &[], make, &["order"]);
    let lines = output.lines();
    let about = lines.iter().filter(|line| {
        line["level"] == "WARN" && line["message"].as_str().unwrap().contains("shop=loud")
    });
    assert_eq!(about.count(), 1, "{lines:?}");
}
