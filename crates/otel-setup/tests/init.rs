//! One call: spans go to a real collector, a second call is an error, the guard flushes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "each test file uses a part")]
mod support {
    pub(crate) mod environment;
    pub(crate) mod span_layer;
}

use std::time::Duration;

use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use otel_testkit::Collector;

use self::support::environment::with_only;
use self::support::span_layer::{init, scope_of_tracing};

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn spans_of_tracing_and_of_the_api_arrive_when_the_guard_is_dropped() {
    let collector = Collector::start().unwrap();
    let endpoint = collector.http_endpoint();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("RUST_LOG", "off"),
        // Nothing leaves before the guard is dropped.
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
    ];
    let telemetry = with_only(&variables, || init("checkout")).unwrap();

    let again = otel_setup::init("checkout").unwrap_err();
    assert!(again.is_already_set_up(), "{again}");

    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    tracing::info_span!("outer").in_scope(|| {
        tracing::error!("an event is a log line, and leaves the span as it is");
        tracing::debug_span!("too fine").in_scope(|| tracer.in_span("inner", |_| ()));
    });
    assert_eq!(collector.spans().len(), 0);
    drop(telemetry);

    let traces = collector
        .wait_for(|traces| !traces.is_empty(), LIMIT)
        .unwrap();
    assert_eq!(traces.len(), 1);
    let trace = &traces[0];
    assert_eq!(trace.spans().len(), 2, "{trace}");
    trace.assert_child_of("inner", "outer");
    let outer = trace.span("outer").unwrap();
    assert_eq!(outer.service(), Some("checkout"));
    assert_eq!(outer.scope(), scope_of_tracing());
    assert_eq!(outer.events().len(), 0);
    assert!(!outer.is_error());
}
