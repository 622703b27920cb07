//! The same over gRPC.
#![cfg(feature = "grpc")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "each test file uses a part")]
mod support {
    pub(crate) mod environment;
}

use std::time::Duration;

use otel_testkit::Collector;

use self::support::environment::with_only;

#[test]
fn spans_arrive_over_grpc() {
    let collector = Collector::start().unwrap();
    let endpoint = collector.grpc_endpoint();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ];

    let telemetry = with_only(&variables, || otel_setup::init("checkout")).unwrap();
    tracing::info_span!("work").in_scope(|| ());
    telemetry.shutdown();
    let limit = Duration::from_secs(20);
    let traces = collector
        .wait_for(|traces| !traces.is_empty(), limit)
        .unwrap();
    assert_eq!(traces[0].spans()[0].name(), "work");
}
