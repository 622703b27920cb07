//! A request carries a context, and no propagator is set.

use axum::Router;
use axum::routing::get;
use opentelemetry::global;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_core::propagation::CompositePropagator;
use otel_tower::ServerLayer;
use otel_tower::trust::Trust;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

use crate::captured::Lines;
use crate::harness::{TRACEPARENT, ask, assert_warned_once, fmt_layer, in_own_process, warnings};

const B3: &str = "b3: 4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1";

/// Sends two requests with the header to a service that has a provider.
fn lines(layer: ServerLayer, header: &str) -> Lines {
    let lines = Lines::default();
    registry().with(fmt_layer(&lines)).init();
    global::set_tracer_provider(SdkTracerProvider::default());
    let app = Router::new()
        .route("/", get(|| async { "well" }))
        .layer(layer);
    let request: &[&str] = &["GET /", header];
    // Until a request carries a context, nothing is missing.
    ask(app, &[&["GET /"], request, request]);
    lines
}

#[test]
fn a_traceparent_that_no_propagator_reads_is_reported_once() {
    let name = "propagator::a_traceparent_that_no_propagator_reads_is_reported_once";
    in_own_process(name, || {
        assert_warned_once(
            &lines(ServerLayer::new(), TRACEPARENT),
            &[
                "`traceparent`",
                "`opentelemetry::global::set_text_map_propagator`",
                "docs/troubleshooting.md#no_propagator",
            ],
        );
    });
}

#[test]
fn a_b3_header_that_no_propagator_reads_is_reported_once() {
    let name = "propagator::a_b3_header_that_no_propagator_reads_is_reported_once";
    in_own_process(name, || {
        assert_warned_once(&lines(ServerLayer::new(), B3), &["`b3`"]);
    });
}

#[test]
fn x_b3_headers_that_no_propagator_reads_are_reported_once() {
    let name = "propagator::x_b3_headers_that_no_propagator_reads_are_reported_once";
    in_own_process(name, || {
        let headers =
            "x-b3-spanid: 00f067aa0ba902b7\r\nx-b3-traceid: 4bf92f3577b34da6a3ce929d0e0e4736";
        assert_warned_once(&lines(ServerLayer::new(), headers), &["`x-b3-traceid`"]);
    });
}

#[test]
fn a_service_that_ignores_its_callers_needs_no_propagator() {
    let name = "propagator::a_service_that_ignores_its_callers_needs_no_propagator";
    in_own_process(name, || {
        let lines = lines(ServerLayer::new().trust(Trust::Ignore), TRACEPARENT);
        assert_eq!(warnings(&lines, ""), [""; 0]);
    });
}

#[test]
fn a_traceparent_that_is_invalid_needs_no_propagator() {
    let name = "propagator::a_traceparent_that_is_invalid_needs_no_propagator";
    in_own_process(name, || {
        let lines = lines(ServerLayer::new(), "traceparent: 00-0-0-00");
        assert_eq!(warnings(&lines, ""), [""; 0]);
    });
}

#[test]
fn a_propagator_that_was_set_to_none_is_not_missing() {
    let name = "propagator::a_propagator_that_was_set_to_none_is_not_missing";
    in_own_process(name, || {
        let none: CompositePropagator = "none".parse().unwrap();
        global::set_text_map_propagator(none);
        otel_core::deliberate::set_propagation_chosen();
        assert_eq!(
            warnings(&lines(ServerLayer::new(), TRACEPARENT), ""),
            [""; 0]
        );
    });
}

#[test]
fn a_layer_with_its_own_propagator_lacks_none() {
    let name = "propagator::a_layer_with_its_own_propagator_lacks_none";
    in_own_process(name, || {
        let layer = ServerLayer::new().propagator(CompositePropagator::default());
        assert_eq!(warnings(&lines(layer, TRACEPARENT), ""), [""; 0]);
    });
}
