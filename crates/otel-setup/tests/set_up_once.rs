//! Several set-ups in one process: one succeeds, the others are errors that leave nothing behind.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::trace::{Span as _, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, global};
use otel_setup::Builder;
#[cfg(feature = "logs")]
use otel_setup::Exporter;
use tracing::level_filters::LevelFilter;

use self::support::child::{in_own_process, output_of_own_process};
use self::support::{Endpoint, Mood, wait_until};

/// All signals as often as can be: an exporter that is left over would show.
const PROMPT: [(&str, &str); 3] = [
    ("OTEL_BSP_SCHEDULE_DELAY", "10"),
    ("OTEL_BLRP_SCHEDULE_DELAY", "10"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "10"),
];

fn set_up(endpoint: &Endpoint) -> Builder {
    let builder = otel_setup::builder()
        .service_name("checkout")
        .otlp_endpoint(endpoint.url());
    #[cfg(feature = "logs")]
    let builder = builder.logs_exporter(Exporter::Otlp);
    builder
}

fn propagation_fields() -> Vec<String> {
    global::get_text_map_propagator(|it| it.fields().map(str::to_owned).collect())
}

/// The threads of the SDK when one set-up is there, as Linux calls them.
const THREADS: &[&str] = if cfg!(feature = "logs") {
    &["OpenTelemetry.L", "OpenTelemetry.M", "OpenTelemetry.T"]
} else {
    &["OpenTelemetry.M", "OpenTelemetry.T"]
};

/// A thread has its name a moment after it was made, and may be seen for a moment after it was joined.
fn wait_for_threads(expected: &[&str]) {
    if cfg!(target_os = "linux") {
        wait_until(exporter_threads, |threads| threads == expected);
    }
}

fn exporter_threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    let names = names.map(|it| it.trim().to_owned());
    let mut names: Vec<_> = names.filter(|it| it.starts_with("OpenTelemetry")).collect();
    names.sort();
    names
}

#[test]
fn the_second_is_an_error_and_the_first_goes_on() {
    let name = "the_second_is_an_error_and_the_first_goes_on";
    in_own_process(name, &PROMPT, || {
        let (first, second) = (Endpoint::start(Mood::Fine), Endpoint::start(Mood::Fine));
        let telemetry = set_up(&first).init().unwrap();
        let (fields, level) = (propagation_fields(), LevelFilter::current());
        wait_for_threads(THREADS);

        let b3 = otel_core::propagation::B3Propagator::default();
        let other = set_up(&second).propagator(b3);
        let error = temp_env::with_var("RUST_LOG", Some("trace"), || other.init()).unwrap_err();
        assert!(error.is_already_set_up(), "{error}");
        assert_eq!(propagation_fields(), fields);
        assert_eq!(LevelFilter::current(), level);
        wait_for_threads(THREADS);

        tracing::info_span!("of tracing").in_scope(|| tracing::info!("a line"));
        global::tracer("test").in_span("of the API", |_| ());
        global::meter("test")
            .u64_counter("orders")
            .build()
            .add(1, &[]);
        let signals: &[_] = if cfg!(feature = "logs") {
            &["/v1/traces", "/v1/metrics", "/v1/logs"]
        } else {
            &["/v1/traces", "/v1/metrics"]
        };
        first.wait_for(|requests| {
            let has = |path: &str| requests.iter().any(|it| it.path == path);
            signals.iter().all(|path| has(path))
        });
        telemetry.shutdown();
        let mut spans = first.spans();
        spans.sort();
        assert_eq!(spans, ["of the API", "of tracing"]);
        assert_eq!(second.requests().len(), 0);
    });
}

#[test]
fn the_end_of_the_first_makes_no_room_for_a_second() {
    let name = "the_end_of_the_first_makes_no_room_for_a_second";
    in_own_process(name, &PROMPT, || {
        let endpoint = Endpoint::start(Mood::Fine);
        drop(set_up(&endpoint).init().unwrap());
        let error = set_up(&endpoint).init().unwrap_err();
        assert!(error.is_already_set_up(), "{error}");
        wait_for_threads(&[]);
    });
}

#[test]
fn of_many_at_once_one_succeeds() {
    in_own_process("of_many_at_once_one_succeeds", &PROMPT, || {
        let endpoint = Endpoint::start(Mood::Fine);
        let together = Barrier::new(8);
        let init = || {
            together.wait();
            set_up(&endpoint).init()
        };
        let results: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(init)).collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        let errors = results.iter().filter_map(|it| it.as_ref().err());
        assert_eq!(errors.filter(|it| it.is_already_set_up()).count(), 7);
        tracing::info_span!("work").in_scope(|| ());
        drop(results);
        assert_eq!(endpoint.spans(), ["work"]);
    });
}

#[test]
fn beside_another_subscriber_nothing_is_left() {
    let name = "beside_another_subscriber_nothing_is_left";
    in_own_process(name, &PROMPT, || {
        let theirs = tracing_subscriber::registry::Registry::default();
        let theirs = tracing_subscriber::layer::SubscriberExt::with(theirs, LevelFilter::WARN);
        tracing::subscriber::set_global_default(theirs).unwrap();
        let endpoint = Endpoint::start(Mood::Fine);
        let start = Instant::now();
        let init = || set_up(&endpoint).init();
        let error = temp_env::with_var("RUST_LOG", Some("trace"), init).unwrap_err();
        assert!(error.is_already_set_up(), "{error}");
        assert!(
            start.elapsed() < Duration::from_secs(4),
            "nothing is flushed"
        );

        wait_for_threads(&[]);
        assert_eq!(LevelFilter::current(), LevelFilter::WARN);
        assert_eq!(propagation_fields(), [""; 0]);
        let span = global::tracer("test").start("to nowhere");
        assert!(!span.span_context().is_valid());
        tracing::error_span!("of tracing")
            .in_scope(|| assert!(!Context::current().has_active_span()));
        global::meter("test")
            .u64_counter("orders")
            .build()
            .add(1, &[]);
        assert_eq!(endpoint.requests().len(), 0);
    });
}

#[test]
fn one_that_failed_may_be_tried_again() {
    in_own_process("one_that_failed_may_be_tried_again", &PROMPT, || {
        let endpoint = Endpoint::start(Mood::Fine);
        // Found to be invalid when the metrics have their thread already.
        let variables = [("OTEL_EXPORTER_OTLP_TRACES_HEADERS", Some("no header"))];
        let error = temp_env::with_vars(variables, || set_up(&endpoint).init()).unwrap_err();
        assert!(error.is_invalid_variable(), "{error}");
        wait_for_threads(&[]);
        let telemetry = set_up(&endpoint).init().unwrap();
        tracing::info_span!("work").in_scope(|| ());
        telemetry.shutdown();
        assert_eq!(endpoint.spans(), ["work"]);
    });
}

#[test]
fn a_logger_of_the_log_crate_is_no_obstacle() {
    let name = "a_logger_of_the_log_crate_is_no_obstacle";
    let lines = in_own_process(name, &PROMPT, || {
        tracing_log::LogTracer::init().unwrap();
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = set_up(&endpoint).init().unwrap();
        tracing::info_span!("work").in_scope(|| log::info!("a record"));
        telemetry.shutdown();
        assert_eq!(endpoint.spans(), ["work"]);
    });
    assert_eq!(lines[0]["message"], "a record");
}

#[test]
fn a_subscriber_of_a_thread_is_no_obstacle() {
    let name = "a_subscriber_of_a_thread_is_no_obstacle";
    in_own_process(name, &PROMPT, || {
        use tracing_subscriber::util::SubscriberInitExt as _;

        let endpoint = Endpoint::start(Mood::Fine);
        // For the start of a program. It is the logger of the log crate as well.
        let for_the_start = tracing_subscriber::registry::Registry::default().set_default();
        let telemetry = set_up(&endpoint).init().unwrap();
        drop(for_the_start);
        tracing::info_span!("work").in_scope(|| ());
        assert!(set_up(&endpoint).init().unwrap_err().is_already_set_up());
        telemetry.shutdown();
        assert_eq!(endpoint.spans(), ["work"]);
    });
}

#[test]
fn a_guard_without_a_limit_flushes() {
    in_own_process("a_guard_without_a_limit_flushes", &PROMPT, || {
        let endpoint = Endpoint::start(Mood::Fine);
        let set_up = set_up(&endpoint).flush_limit(Duration::MAX);
        let telemetry = set_up.init().unwrap();
        tracing::info_span!("work").in_scope(|| ());
        drop(telemetry);
        assert_eq!(endpoint.spans(), ["work"]);
    });
}

#[test]
fn a_second_set_up_in_a_test_prints_no_warnings() {
    let name = "a_second_set_up_in_a_test_prints_no_warnings";
    let variables = [("OTEL_PROPAGATORS", "unknown")];
    let (_, errors) = output_of_own_process(name, &variables, || {
        tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
        let endpoint = Endpoint::start(Mood::Fine);
        let error = set_up(&endpoint).init().unwrap_err();
        assert!(error.is_already_set_up());
    });
    assert!(!errors.contains("WARN"), "{errors}");
}
