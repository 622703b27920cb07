//! What becomes of spans when the endpoint has a bad day: each over a real socket, each in a process of its own.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use otel_setup::{SpanCounts, Telemetry};

use self::support::child::{about, failing_in_own_process, in_own_process};
use self::support::{Endpoint, Mood, start, wait_until};

/// Exports at once, so that nothing waits for a schedule.
const PROMPT: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "10");
const INTERVAL: Duration = Duration::from_millis(300);
const BEGAN: &str = "spans cannot be exported";
const AGAIN: &str = "spans are exported again";

fn span(name: &'static str) {
    tracing::info_span!("work", otel.name = name).in_scope(|| ());
}

fn wait_for(telemetry: &Telemetry, what: impl Fn(SpanCounts) -> bool) -> SpanCounts {
    wait_until(|| telemetry.span_counts().unwrap(), |counts| what(*counts))
}

fn numbers(counts: SpanCounts) -> [u64; 4] {
    [counts.exported, counts.dropped, counts.lost, counts.waiting]
}

#[test]
fn down_at_the_start_and_there_later() {
    let name = "down_at_the_start_and_there_later";
    let lines = in_own_process(name, &[PROMPT], || {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let telemetry = start(format!("http://{address}"));
        span("too early");
        wait_for(&telemetry, |counts| counts.lost == 1);
        span("too early as well");
        wait_for(&telemetry, |counts| counts.lost == 2);
        let endpoint = Endpoint::listen(TcpListener::bind(address).unwrap(), Mood::Fine);
        span("in time");
        let counts = wait_for(&telemetry, |counts| counts.exported == 1);
        assert_eq!(numbers(counts), [1, 0, 2, 0]);
        assert_eq!(endpoint.spans(), ["in time"]);
    });
    let began = about(&lines, BEGAN);
    assert_eq!(began.len(), 1, "{lines:?}");
    assert_eq!(began[0]["level"], "ERROR");
    let error = began[0]["error"].as_str().unwrap();
    assert!(error.contains("refused"), "{error}");
    let again = about(&lines, AGAIN);
    assert_eq!(again.len(), 1, "{lines:?}");
    assert_eq!(again[0]["lost"], 2);
}

#[test]
fn dying_midway_and_coming_back() {
    let name = "dying_midway_and_coming_back";
    let lines = in_own_process(name, &[PROMPT], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(endpoint.url());
        span("before");
        wait_for(&telemetry, |counts| counts.exported == 1);
        endpoint.change(Mood::Dies);
        span("during");
        wait_for(&telemetry, |counts| counts.lost == 1);
        endpoint.change(Mood::Fine);
        span("after");
        let counts = wait_for(&telemetry, |counts| counts.exported == 2);
        assert_eq!(numbers(counts), [2, 0, 1, 0]);
        assert_eq!(endpoint.spans(), ["before", "after"]);
    });
    assert_eq!(about(&lines, BEGAN).len(), 1, "{lines:?}");
    assert_eq!(about(&lines, AGAIN).len(), 1, "{lines:?}");
}

#[test]
fn gone_for_less_than_the_retries() {
    let name = "gone_for_less_than_the_retries";
    let lines = in_own_process(name, &[PROMPT], || {
        let endpoint = Endpoint::start(Mood::Dies);
        let telemetry = start(endpoint.url());
        span("kept");
        endpoint.wait_for(|requests| !requests.is_empty());
        endpoint.change(Mood::Fine);
        let counts = wait_for(&telemetry, |counts| counts.waiting == 0);
        assert_eq!(numbers(counts), [1, 0, 0, 0]);
        assert_eq!(endpoint.spans(), ["kept"]);
    });
    assert_eq!(about(&lines, "").len(), 0, "{lines:?}");
}

#[test]
fn hanging() {
    let variables = [PROMPT, ("OTEL_EXPORTER_OTLP_TIMEOUT", "200")];
    let lines = in_own_process("hanging", &variables, || {
        let endpoint = Endpoint::start(Mood::Hangs);
        let telemetry = start(endpoint.url());
        span("hung");
        wait_for(&telemetry, |counts| counts.lost == 1);
        endpoint.change(Mood::Fine);
        span("answered");
        wait_for(&telemetry, |counts| counts.exported == 1);
        assert_eq!(endpoint.spans(), ["answered"]);
    });
    let error = about(&lines, BEGAN)[0]["error"].as_str().unwrap();
    assert!(error.contains("timed out"), "{error}");
}

#[test]
fn hanging_at_the_end() {
    let lines = in_own_process("hanging_at_the_end", &[PROMPT], || {
        let endpoint = Endpoint::start(Mood::Hangs);
        let telemetry = otel_setup::builder()
            .service_name("checkout")
            .otlp_endpoint(endpoint.url())
            .flush_limit(Duration::from_millis(200))
            .init()
            .unwrap();
        span("hung");
        endpoint.wait_for(|requests| !requests.is_empty());
        span("behind it");
        let start = Instant::now();
        telemetry.shutdown();
        let elapsed = start.elapsed();
        assert!(elapsed >= Duration::from_millis(200), "{elapsed:?}");
        // The exporter's own limit is 10 s.
        assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
    });
    let left = about(&lines, "the flush limit was reached");
    assert_eq!(left[0]["lost"], 2, "{lines:?}");
}

#[test]
fn retries_get_no_more_time_than_the_export_has() {
    let name = "retries_get_no_more_time_than_the_export_has";
    let variables = [PROMPT, ("OTEL_EXPORTER_OTLP_TIMEOUT", "4000")];
    let lines = in_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Status(503, Some(3)));
        let telemetry = start(endpoint.url());
        span("late");
        endpoint.wait_for(|requests| !requests.is_empty());
        endpoint.change(Mood::Hangs);
        let start = Instant::now();
        wait_for(&telemetry, |counts| counts.lost == 1);
        let elapsed = start.elapsed();
        assert_eq!(endpoint.requests().len(), 2);
        // Each attempt alone might take 4 s.
        assert!(elapsed < Duration::from_millis(6500), "{elapsed:?}");
    });
    let error = about(&lines, BEGAN)[0]["error"].as_str().unwrap();
    assert!(error.contains("timed out"), "{error}");
}

#[test]
fn busy_and_saying_when_to_come_back() {
    in_own_process("busy_and_saying_when_to_come_back", &[PROMPT], || {
        let endpoint = Endpoint::start(Mood::Status(429, Some(1)));
        let telemetry = start(endpoint.url());
        for (status, exported) in [(429, 1), (503, 2)] {
            let before = endpoint.requests().len();
            endpoint.change(Mood::Status(status, Some(1)));
            span("patient");
            endpoint.wait_for(|requests| requests.len() > before);
            endpoint.change(Mood::Fine);
            wait_for(&telemetry, |counts| counts.exported == exported);
            let requests = &endpoint.requests()[before..];
            assert_eq!(requests.len(), 2, "one retry, no hammering");
            let pause = requests[1].at - requests[0].at;
            assert!(pause >= Duration::from_secs(1), "{status}: {pause:?}");
        }
        assert_eq!(endpoint.spans().len(), 2);
    });
}

#[test]
fn refusing_for_good() {
    let lines = in_own_process("refusing_for_good", &[PROMPT], || {
        let endpoint = Endpoint::start(Mood::Status(401, None));
        let telemetry = start(endpoint.url());
        span("refused");
        wait_for(&telemetry, |counts| counts.lost == 1);
        assert_eq!(endpoint.requests().len(), 1, "no retry makes a key right");
    });
    let error = about(&lines, BEGAN)[0]["error"].as_str().unwrap();
    assert!(error.contains("401"), "{error}");
}

/// An endpoint that is another than was meant: the line says what to change.
fn astray(name: &str, mood: Mood, advice: &str) {
    let lines = in_own_process(name, &[PROMPT], || {
        let endpoint = Endpoint::start(mood);
        let telemetry = start(endpoint.url());
        span("astray");
        let counts = wait_for(&telemetry, |counts| counts.waiting == 0);
        assert_eq!(numbers(counts), [0, 0, 1, 0]);
        assert_eq!(endpoint.requests().len(), 1);
    });
    let error = about(&lines, BEGAN)[0]["error"].as_str().unwrap();
    assert!(error.contains(advice), "{error}");
}

#[test]
fn a_path_that_is_not_there() {
    let mood = Mood::Status(404, None);
    astray("a_path_that_is_not_there", mood, "is a base URL");
}

#[test]
fn a_path_that_is_not_there_for_metrics() {
    let name = "a_path_that_is_not_there_for_metrics";
    let often = ("OTEL_METRIC_EXPORT_INTERVAL", "10");
    let lines = in_own_process(name, &[often], || {
        let endpoint = Endpoint::start(Mood::Status(404, None));
        let telemetry = start(endpoint.url());
        let meter = opentelemetry::global::meter("test");
        meter.u64_counter("orders").build().add(1, &[]);
        endpoint.wait_for(|requests| requests.len() > 1);
        telemetry.shutdown();
    });
    let error = about(&lines, "metrics cannot be exported")[0]["error"].as_str();
    let error = error.unwrap();
    assert!(error.contains("the endpoint takes no metrics"), "{error}");
    assert!(error.contains("without /v1/metrics"), "{error}");
}

#[test]
fn a_port_that_speaks_grpc() {
    let mood = Mood::SpeaksGrpc;
    astray("a_port_that_speaks_grpc", mood, "the port speaks gRPC");
}

#[test]
fn a_full_queue_makes_nobody_wait_and_is_counted() {
    let variables = [
        PROMPT,
        ("OTEL_BSP_MAX_QUEUE_SIZE", "10"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "3000"),
    ];
    let name = "a_full_queue_makes_nobody_wait_and_is_counted";
    let lines = in_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Hangs);
        let telemetry = start(endpoint.url());
        span("first");
        endpoint.wait_for(|requests| !requests.is_empty());
        let start = Instant::now();
        for _ in 0..10_000 {
            span("many");
        }
        assert!(start.elapsed() < Duration::from_secs(3), "spans waited");
        let counts = telemetry.span_counts().unwrap();
        assert_eq!(numbers(counts), [0, 9_990, 0, 11]);
        endpoint.change(Mood::Fine);
        let counts = wait_for(&telemetry, |counts| counts.waiting == 0);
        assert_eq!(numbers(counts), [10, 9_990, 1, 0]);
        assert_eq!(endpoint.spans().len(), 10);
    });
    assert_eq!(about(&lines, BEGAN).len(), 1, "{lines:?}");
    assert_eq!(about(&lines, AGAIN)[0]["lost"], 1, "{lines:?}");
}

#[test]
fn losses_are_reported_once_per_interval() {
    let variables = [PROMPT, ("OTEL_BSP_MAX_QUEUE_SIZE", "10")];
    let name = "losses_are_reported_once_per_interval";
    let lines = in_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Status(400, None));
        let telemetry = otel_setup::builder()
            .service_name("checkout")
            .otlp_endpoint(endpoint.url())
            .report_interval(INTERVAL)
            .init()
            .unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(1) {
            for _ in 0..50 {
                span("too many");
            }
            thread::sleep(Duration::from_millis(5));
        }
        let counts = wait_for(&telemetry, |counts| counts.waiting == 0);
        assert!(counts.dropped > 100, "{counts:?}");
        assert!(counts.lost > 100, "{counts:?}");
        let most = start.elapsed().as_millis() / INTERVAL.as_millis() + 2;
        println!(
            "{{\"dropped\":{},\"lost\":{},\"most\":{most}}}",
            counts.dropped, counts.lost
        );
    });
    let reports = about(&lines, "spans were lost");
    let sum = |key: &str| {
        reports
            .iter()
            .map(|it| it[key].as_u64().unwrap())
            .sum::<u64>()
    };
    let counts = lines.iter().find(|it| it["most"].is_u64()).unwrap();
    // One when it begins, then one in each interval, and one at the end.
    let said = 1 + reports.len() as u64;
    assert!(said <= counts["most"].as_u64().unwrap(), "{lines:?}");
    let began = &about(&lines, BEGAN)[0];
    let lost = sum("export_failed") + began["lost"].as_u64().unwrap();
    assert_eq!(lost, counts["lost"].as_u64().unwrap());
    let dropped = sum("queue_full") + began["queue_full"].as_u64().unwrap();
    assert_eq!(dropped, counts["dropped"].as_u64().unwrap());
}

#[test]
fn a_panic_at_the_start_flushes() {
    let name = "a_panic_at_the_start_flushes";
    let endpoint = Endpoint::start(Mood::Fine);
    let url = endpoint.url();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
    ];
    failing_in_own_process(name, &variables, || {
        let _telemetry = otel_setup::init("checkout").unwrap();
        let _span = tracing::info_span!("starting").entered();
        panic!("no database");
    });
    assert_eq!(endpoint.spans(), ["starting"]);
}

#[test]
fn a_panic_in_a_task_exports_its_span() {
    let name = "a_panic_in_a_task_exports_its_span";
    in_own_process(name, &[PROMPT], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(endpoint.url());
        let task = thread::spawn(|| {
            let _span = tracing::info_span!("handling").entered();
            panic!("no such cart");
        });
        assert!(task.join().is_err());
        wait_for(&telemetry, |counts| counts.exported == 1);
        assert_eq!(endpoint.spans(), ["handling"]);
    });
}

#[test]
fn the_exporter_does_not_trace_itself() {
    let variables = [
        PROMPT,
        ("RUST_LOG", "trace"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "10"),
    ];
    let name = "the_exporter_does_not_trace_itself";
    in_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(endpoint.url());
        opentelemetry::global::meter("test")
            .u64_counter("orders")
            .build()
            .add(1, &[]);
        for exported in 1..=5 {
            span("mine");
            wait_for(&telemetry, |counts| counts.exported >= exported);
        }
        endpoint.wait_for(|requests| requests.iter().any(|it| it.path == "/v1/metrics"));
        telemetry.shutdown();
        assert_eq!(endpoint.spans(), ["mine"; 5]);
        let requests = endpoint.requests();
        let carries_context = |name: &str| requests.iter().any(|it| it.headers.contains_key(name));
        assert!(!carries_context("traceparent"));
    });
}

#[test]
#[cfg(feature = "grpc")]
fn over_grpc_hanging_then_down_then_there() {
    let variables = [
        PROMPT,
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "300"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ];
    let name = "over_grpc_hanging_then_down_then_there";
    let lines = in_own_process(name, &variables, || {
        // The system accepts the connection, and nobody ever reads from it.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap();
        let telemetry = start(format!("http://{address}"));
        span("hung");
        wait_for(&telemetry, |counts| counts.lost == 1);
        drop(silent);
        span("refused");
        wait_for(&telemetry, |counts| counts.lost == 2);
        let collector = otel_testkit::Collector::builder()
            .grpc_port(address.port())
            .start()
            .unwrap();
        span("taken");
        wait_for(&telemetry, |counts| counts.waiting == 0);
        span("taken as well");
        wait_for(&telemetry, |counts| counts.exported >= 1);
        telemetry.shutdown();
        let names: Vec<_> = collector
            .spans()
            .iter()
            .map(|span| span.name().to_owned())
            .collect();
        assert!(names.contains(&"taken as well".to_owned()), "{names:?}");
    });
    assert_eq!(about(&lines, BEGAN).len(), 1, "{lines:?}");
    assert_eq!(about(&lines, AGAIN).len(), 1, "{lines:?}");
}
