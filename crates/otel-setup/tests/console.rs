//! The exporter `console`.
#![cfg(feature = "console")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use self::support::own_process::in_own_process;

#[test]
fn all_signals_are_written_to_the_standard_output() {
    let name = "all_signals_are_written_to_the_standard_output";
    let variables = [
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_METRICS_EXPORTER", "console"),
        #[cfg(feature = "logs")]
        ("OTEL_LOGS_EXPORTER", "console"),
    ];
    let output = in_own_process(name, &variables, || {
        let telemetry = otel_setup::init("checkout").unwrap();
        let meter = opentelemetry::global::meter("test");
        meter.u64_counter("orders").build().add(1, &[]);
        tracing::info_span!("brewing").in_scope(|| tracing::info!("steeping"));
        telemetry.shutdown();
    });
    let text = output.stdout;
    for word in ["brewing", "orders", "checkout"] {
        assert!(text.contains(word), "{word} is missing: {text}");
    }
    // Once in the line, and once in the record.
    let times = if cfg!(feature = "logs") { 2 } else { 1 };
    assert_eq!(text.matches("steeping").count(), times, "{text}");
}
