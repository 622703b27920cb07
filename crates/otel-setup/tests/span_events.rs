//! Events go to their spans as well where the program asks for it.
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

use otel_testkit::Collector;

use self::support::environment::with_only;
use self::support::span_layer::with_span_layer;

#[test]
fn events_of_info_and_above_are_on_their_span_by_option() {
    let collector = Collector::start().unwrap();
    let endpoint = collector.http_endpoint();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("RUST_LOG", "off"),
    ];
    let set_up = || {
        with_span_layer(otel_setup::builder())
            .service_name("checkout")
            .span_events(true)
            .init()
    };
    let telemetry = with_only(&variables, set_up).unwrap();
    tracing::info_span!("outer").in_scope(|| {
        tracing::info!(cart = 7, "priced");
        tracing::debug!("too fine");
        tracing::warn!(target: "opentelemetry_sdk", "of the SDK itself");
    });
    drop(telemetry);

    let limit = Duration::from_secs(20);
    let traces = collector
        .wait_for(|traces| !traces.is_empty(), limit)
        .unwrap();
    let events = traces[0].span("outer").unwrap().events().to_vec();
    let names: Vec<_> = events.iter().map(|event| event.name.to_string()).collect();
    assert_eq!(names, ["priced"]);
}
