//! The names of the events that report a failing export. Each is an anchor in the guide on troubleshooting.
#![allow(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::net::TcpListener;
use std::time::Duration;

use otel_setup::{SpanCounts, Telemetry};
use serde_json::Value;

use self::support::child::{about, in_own_process};
use self::support::{Endpoint, Mood, start, wait_until};

const PROMPT: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "10");
const NO_METRICS: (&str, &str) = ("OTEL_METRICS_EXPORTER", "none");
const PROMPT_METRICS: (&str, &str) = ("OTEL_METRIC_EXPORT_INTERVAL", "10");

fn span() {
    tracing::info_span!("work").in_scope(|| ());
}

fn wait_for(telemetry: &Telemetry, is_expected: impl Fn(SpanCounts) -> bool) {
    wait_until(
        || telemetry.span_counts().unwrap(),
        |counts| is_expected(*counts),
    );
}

/// Levels and names of the lines of otel-setup, except its start line.
fn names(lines: &[Value]) -> Vec<(&str, &str)> {
    let reports = about(lines, "").into_iter();
    let reports = reports.filter(|line| line["level"] != "INFO");
    reports
        .map(|line| {
            let level = line["level"].as_str().unwrap();
            (level, line["event.name"].as_str().unwrap_or_default())
        })
        .collect()
}

#[test]
fn an_outage_has_a_name_for_its_start_and_its_end() {
    let name = "an_outage_has_a_name_for_its_start_and_its_end";
    let lines = in_own_process(name, &[PROMPT, NO_METRICS], || {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let telemetry = start(format!("http://{address}"));
        span();
        wait_for(&telemetry, |counts| counts.lost == 1);
        let _endpoint = Endpoint::listen(TcpListener::bind(address).unwrap(), Mood::Fine);
        span();
        wait_for(&telemetry, |counts| counts.exported == 1);
    });
    assert_eq!(
        names(&lines),
        [("ERROR", "export_failed"), ("WARN", "export_recovered")]
    );
}

#[test]
fn further_losses_in_an_outage_have_a_name() {
    let name = "further_losses_in_an_outage_have_a_name";
    let lines = in_own_process(name, &[PROMPT, NO_METRICS], || {
        let endpoint = Endpoint::start(Mood::Status(400, None));
        let telemetry = start(endpoint.url());
        for lost in 1..=2 {
            span();
            wait_for(&telemetry, |counts| counts.lost == lost);
        }
    });
    assert_eq!(
        names(&lines),
        [("ERROR", "export_failed"), ("WARN", "telemetry_lost")]
    );
}

#[test]
fn a_full_queue_and_a_flush_without_an_end_have_names() {
    let name = "a_full_queue_and_a_flush_without_an_end_have_names";
    let variables = [
        PROMPT,
        NO_METRICS,
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
    ];
    let lines = in_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Hangs);
        let telemetry = otel_setup::builder()
            .service_name("checkout")
            .otlp_endpoint(endpoint.url())
            .flush_limit(Duration::from_millis(100))
            .init()
            .unwrap();
        span();
        endpoint.wait_for(|requests| !requests.is_empty());
        span();
        span();
        wait_for(&telemetry, |counts| counts.dropped == 1);
    });
    assert_eq!(
        names(&lines),
        [("WARN", "telemetry_lost"), ("WARN", "flush_limit_reached")]
    );
}

#[test]
fn an_outage_for_metrics_has_names_of_its_own() {
    let name = "an_outage_for_metrics_has_names_of_its_own";
    let lines = in_own_process(name, &[PROMPT_METRICS], || {
        let endpoint = Endpoint::start(Mood::Status(404, None));
        let _telemetry = start(endpoint.url());
        let meter = opentelemetry::global::meter("test");
        meter.u64_counter("orders").build().add(1, &[]);
        endpoint.wait_for(|requests| requests.len() > 1);
        endpoint.change(Mood::Fine);
        // The answer to one export comes before the next export.
        endpoint.wait_for(|requests| {
            let accepted = requests.iter().filter(|it| it.mood == Mood::Fine);
            accepted.count() > 1
        });
    });
    assert_eq!(
        names(&lines),
        [
            ("ERROR", "metrics_export_failed"),
            ("WARN", "metrics_export_recovered")
        ]
    );
}

#[test]
#[cfg(feature = "logs")]
fn an_outage_for_log_records_has_the_names_of_one_for_spans() {
    let name = "an_outage_for_log_records_has_the_names_of_one_for_spans";
    let variables = [
        ("OTEL_BLRP_SCHEDULE_DELAY", "10"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    let lines = in_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Status(400, None));
        let telemetry = start(endpoint.url());
        tracing::info!("lost");
        wait_until(
            || telemetry.log_counts().unwrap(),
            |counts| counts.lost == 1,
        );
        endpoint.change(Mood::Fine);
        tracing::info!("exported");
        wait_until(
            || telemetry.log_counts().unwrap(),
            |counts| counts.exported == 1,
        );
    });
    assert_eq!(
        names(&lines),
        [("ERROR", "export_failed"), ("WARN", "export_recovered")]
    );
}
