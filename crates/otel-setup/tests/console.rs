//! The exporter `console`.
#![cfg(feature = "console")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::env;
use std::process::Command;

#[test]
fn all_signals_are_written_to_the_standard_output() {
    const CHILD: &str = "OTEL_SETUP_TEST_CHILD";
    let name = "all_signals_are_written_to_the_standard_output";
    if env::var_os(CHILD).is_some() {
        let telemetry = otel_setup::init("checkout").unwrap();
        let meter = opentelemetry::global::meter("test");
        meter.u64_counter("orders").build().add(1, &[]);
        tracing::info_span!("brewing").in_scope(|| tracing::info!("steeping"));
        telemetry.shutdown();
        return;
    }
    let output = Command::new(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(CHILD, "yes")
        .env("OTEL_TRACES_EXPORTER", "console")
        .env("OTEL_METRICS_EXPORTER", "console")
        .env(
            "OTEL_LOGS_EXPORTER",
            if cfg!(feature = "logs") {
                "console"
            } else {
                "none"
            },
        )
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for word in ["brewing", "orders", "checkout"] {
        assert!(text.contains(word), "{word} is missing: {text}");
    }
    // Once in the line, and once in the record.
    let times = if cfg!(feature = "logs") { 2 } else { 1 };
    assert_eq!(text.matches("steeping").count(), times, "{text}");
}
