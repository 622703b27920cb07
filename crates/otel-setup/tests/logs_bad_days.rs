//! What becomes of log records when the endpoint has a bad day, and that no record is about the export of records.
#![cfg(feature = "logs")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use otel_setup::{LogCounts, Telemetry};
use otel_testkit::{Collector, LogLine};
use serde_json::Value;

use self::support::child::{about, failing_in_own_process, in_own_process};
use self::support::{Endpoint, Logged, Mood, start, wait_until};

const OTLP: (&str, &str) = ("OTEL_LOGS_EXPORTER", "otlp");
/// Exports at once, so that nothing waits for a schedule.
const PROMPT: (&str, &str) = ("OTEL_BLRP_SCHEDULE_DELAY", "10");
/// Log records alone.
const ALONE: [(&str, &str); 2] = [
    ("OTEL_TRACES_EXPORTER", "none"),
    ("OTEL_METRICS_EXPORTER", "none"),
];
const INTERVAL: Duration = Duration::from_millis(300);
const BEGAN: &str = "log records cannot be exported";
const AGAIN: &str = "log records are exported again";

fn wait_for(telemetry: &Telemetry, what: impl Fn(LogCounts) -> bool) -> LogCounts {
    wait_until(|| telemetry.log_counts().unwrap(), |counts| what(*counts))
}

fn numbers(counts: LogCounts) -> [u64; 4] {
    [counts.exported, counts.dropped, counts.lost, counts.waiting]
}

fn bodies(logs: &[Logged]) -> Vec<&str> {
    logs.iter().map(Logged::body).collect()
}

#[test]
fn down_and_back_is_said_in_the_lines_and_not_in_the_records() {
    let name = "down_and_back_is_said_in_the_lines_and_not_in_the_records";
    let variables = [&[OTLP, PROMPT], ALONE.as_slice()].concat();
    let lines = in_own_process(name, &variables, || {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let telemetry = start(format!("http://{address}"));
        tracing::info!("too early");
        wait_for(&telemetry, |counts| counts.lost == 1);
        tracing::info!("too early as well");
        // A report among the records would be lost as well.
        let counts = wait_for(&telemetry, |counts| counts.lost >= 2);
        assert_eq!(numbers(counts), [0, 0, 2, 0]);
        let endpoint = Endpoint::listen(TcpListener::bind(address).unwrap(), Mood::Fine);
        tracing::info!("in time");
        let counts = wait_for(&telemetry, |counts| counts.exported >= 1);
        assert_eq!(numbers(counts), [1, 0, 2, 0]);
        telemetry.shutdown();
        assert_eq!(bodies(&endpoint.logs()), ["in time"]);
    });
    let began = about(&lines, BEGAN);
    assert_eq!(began.len(), 1, "{lines:?}");
    assert_eq!(began[0]["level"], "ERROR");
    let error = began[0]["error"].as_str().unwrap();
    assert!(error.contains("refused"), "{error}");
    let again = about(&lines, AGAIN);
    assert_eq!(again.len(), 1, "{lines:?}");
    assert_eq!(again[0]["lost"], 2);
    let messages: Vec<_> = lines.iter().map(|line| &line["message"]).collect();
    for message in ["too early", "too early as well", "in time"] {
        assert!(
            messages.contains(&&Value::from(message)),
            "the lines have all of them"
        );
    }
}

#[test]
fn a_full_queue_makes_nobody_wait_and_is_counted() {
    let name = "a_full_queue_makes_nobody_wait_and_is_counted";
    let variables = [
        &[
            OTLP,
            PROMPT,
            ("OTEL_BLRP_MAX_QUEUE_SIZE", "10"),
            ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "5"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "8000"),
        ],
        ALONE.as_slice(),
    ]
    .concat();
    let lines = in_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Hangs);
        let telemetry = start(endpoint.url());
        tracing::info!("first");
        endpoint.wait_for(|requests| !requests.is_empty());
        let start = Instant::now();
        for _ in 0..10_000 {
            tracing::info!("many");
        }
        assert!(start.elapsed() < Duration::from_secs(6), "lines waited");
        let counts = telemetry.log_counts().unwrap();
        assert_eq!(numbers(counts), [0, 9_990, 0, 11]);
        endpoint.change(Mood::Fine);
        let counts = wait_for(&telemetry, |counts| counts.waiting == 0);
        assert_eq!(numbers(counts), [10, 9_990, 1, 0]);
        telemetry.shutdown();
        assert_eq!(endpoint.logs().len(), 10);
    });
    assert_eq!(about(&lines, BEGAN).len(), 1);
    assert_eq!(about(&lines, AGAIN)[0]["lost"], 1);
    assert_eq!(
        about(&lines, "log records were lost").len(),
        0,
        "not yet due"
    );
    let written = lines.iter().filter(|line| line["message"] == "many");
    assert_eq!(written.count(), 10_000);
}

#[test]
fn losses_are_reported_once_per_interval() {
    let name = "losses_are_reported_once_per_interval";
    let variables = [&[OTLP, PROMPT], ALONE.as_slice()].concat();
    let lines = in_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Status(400, None));
        let telemetry = otel_setup::builder()
            .service_name("checkout")
            .otlp_endpoint(endpoint.url())
            .report_interval(INTERVAL)
            .init()
            .unwrap();
        let start = Instant::now();
        let mut logged = 0;
        while logged < 3 || start.elapsed() < Duration::from_secs(1) {
            tracing::info!("refused");
            logged += 1;
            wait_for(&telemetry, |counts| counts.waiting == 0);
        }
        let counts = telemetry.log_counts().unwrap();
        assert_eq!(numbers(counts), [0, 0, logged, 0], "none is a report");
        let most = start.elapsed().as_millis() / INTERVAL.as_millis() + 1;
        println!("{{\"logged\":{logged},\"most\":{most}}}");
    });
    let reports = about(
        &lines,
        "log records were lost; see OTEL_BLRP_MAX_QUEUE_SIZE",
    );
    let end = lines.iter().find(|it| it["logged"].is_u64()).unwrap();
    let (logged, most) = (
        end["logged"].as_u64().unwrap(),
        end["most"].as_u64().unwrap(),
    );
    // One in each interval after the outage began, and one at the end.
    assert!(!reports.is_empty());
    assert!(reports.len() as u64 <= most, "{reports:?}");
    let reported = reports
        .iter()
        .map(|it| it["export_failed"].as_u64().unwrap());
    let began = about(&lines, BEGAN)[0]["lost"].as_u64().unwrap();
    assert_eq!(reported.sum::<u64>() + began, logged);
}

#[test]
fn hanging_at_the_end_takes_no_longer_than_the_flush_limit() {
    let name = "hanging_at_the_end_takes_no_longer_than_the_flush_limit";
    let lines = in_own_process(name, &[OTLP, PROMPT], || {
        let endpoint = Endpoint::start(Mood::Hangs);
        let telemetry = otel_setup::builder()
            .service_name("checkout")
            .otlp_endpoint(endpoint.url())
            .flush_limit(Duration::from_secs(1))
            .init()
            .unwrap();
        let meter = opentelemetry::global::meter("test");
        meter.u64_counter("orders").build().add(1, &[]);
        tracing::info_span!("work").in_scope(|| tracing::info!("hung"));
        endpoint.wait_for(|requests| requests.iter().any(|it| it.path == "/v1/logs"));
        tracing::info!("behind it");
        let start = Instant::now();
        telemetry.shutdown();
        let elapsed = start.elapsed();
        // All three signals at once, and not one after the other.
        assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
    });
    let left = about(&lines, "the flush limit was reached before all log records");
    assert_eq!(left[0]["lost"], 2, "{lines:?}");
}

#[test]
fn one_signal_that_hangs_takes_no_time_from_the_other() {
    let name = "one_signal_that_hangs_takes_no_time_from_the_other";
    let traces = Endpoint::start(Mood::Hangs);
    let logs = Endpoint::start(Mood::Fine);
    let (traces_url, logs_url) = (traces.url(), logs.url());
    let variables = [
        OTLP,
        ("OTEL_BLRP_SCHEDULE_DELAY", "3600000"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces_url.as_str()),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", logs_url.as_str()),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    in_own_process(name, &variables, || {
        let telemetry = otel_setup::builder()
            .service_name("checkout")
            .flush_limit(Duration::from_secs(3))
            .init()
            .unwrap();
        tracing::info_span!("work").in_scope(|| tracing::info!("arrives"));
        let counts = telemetry.shutdown().unwrap();
        assert_eq!(counts.exported, 0);
    });
    assert_eq!(logs.requests().len(), 1);
    assert_eq!(bodies(&logs.requests()[0].logs()), ["arrives"]);
}

#[test]
fn a_panic_at_the_start_flushes() {
    let name = "a_panic_at_the_start_flushes";
    let endpoint = Endpoint::start(Mood::Fine);
    let url = endpoint.url();
    let variables = [
        OTLP,
        ("OTEL_BLRP_SCHEDULE_DELAY", "3600000"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
    ];
    failing_in_own_process(name, &variables, || {
        let _telemetry = otel_setup::init("checkout").unwrap();
        tracing::info!("starting");
        panic!("no database");
    });
    assert_eq!(bodies(&endpoint.logs()), ["starting"]);
}

/// Logs at TRACE, one event after the other, each when the one before has arrived; returns the targets of the lines.
///
/// The collector is in the parent: in the process of the exporter it would be the application, and log what it receives.
fn each_arrives_alone(name: &str, url: &str, protocol: &str) -> BTreeSet<String> {
    let variables = [
        OTLP,
        PROMPT,
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("RUST_LOG", "trace"),
    ];
    let lines = in_own_process(name, &variables, || {
        let telemetry = otel_setup::init("checkout").unwrap();
        let meter = opentelemetry::global::meter("test");
        meter.u64_counter("orders").build().add(1, &[]);
        for round in 1..=5 {
            tracing::info_span!("work").in_scope(|| tracing::info!("mine"));
            wait_for(&telemetry, |counts| counts.exported >= round);
        }
        telemetry.shutdown();
    });
    let targets = lines.iter().filter_map(|line| line["target"].as_str());
    targets.map(str::to_owned).collect()
}

#[test]
fn no_export_over_http_is_logged_and_exported_itself() {
    let collector = Collector::start().unwrap();
    // So that a name has to be looked up.
    let url = collector.http_endpoint().replace("127.0.0.1", "localhost");
    let name = "no_export_over_http_is_logged_and_exported_itself";
    let targets = each_arrives_alone(name, &url, "http/protobuf");
    let logs = collector.logs();
    let messages: Vec<_> = logs.iter().map(LogLine::message).collect();
    assert_eq!(messages, ["mine"; 5]);
    assert!(targets.contains("reqwest::connect"), "{targets:?}");
}

#[test]
#[cfg(feature = "grpc")]
fn no_export_over_grpc_is_logged_and_exported_itself() {
    let collector = Collector::start().unwrap();
    let url = collector.grpc_endpoint().replace("127.0.0.1", "localhost");
    let name = "no_export_over_grpc_is_logged_and_exported_itself";
    let targets = each_arrives_alone(name, &url, "grpc");
    let logs = collector.logs();
    let messages: Vec<_> = logs.iter().map(LogLine::message).collect();
    assert_eq!(messages, ["mine"; 5]);
    assert!(
        targets.iter().any(|it| it.starts_with("h2::")),
        "{targets:?}"
    );
}
