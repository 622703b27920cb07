//! `Telemetry::flush` with the default schedules: nothing else exports within a test.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::future::Future;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::global;
use otel_setup::Telemetry;

use self::support::child::in_own_process;
use self::support::{Endpoint, LIMIT, Mood};

fn start(url: &str, limit: Duration) -> Telemetry {
    let builder = otel_setup::builder().service_name("checkout");
    let builder = builder.otlp_endpoint(url).flush_limit(limit);
    support::span_layer::with_span_layer(builder)
        .init()
        .unwrap()
}

/// Runs a future without any async runtime.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

fn record() {
    let orders = global::meter("test").u64_counter("orders").build();
    orders.add(1, &[]);
    tracing::info_span!("work").in_scope(|| tracing::info!("working"));
}

/// Flushes after work was recorded, and returns the number of spans, of exports of metrics, and of log records.
fn exported_by(flush: impl FnOnce(&Telemetry) -> bool) -> [usize; 3] {
    let endpoint = Endpoint::start(Mood::Fine);
    let telemetry = start(&endpoint.url(), LIMIT);
    record();
    assert!(flush(&telemetry));
    let requests = endpoint.requests();
    let metrics = requests.iter().filter(|it| it.path == "/v1/metrics");
    let exported = [
        endpoint.spans().len(),
        metrics.count(),
        endpoint.logs().len(),
    ];
    // What follows is exported by the next flush.
    record();
    assert!(telemetry.flush_blocking());
    assert_eq!(endpoint.spans().len(), 2);
    exported
}

const ALL: [(&str, &str); 1] = [("OTEL_LOGS_EXPORTER", "otlp")];

#[cfg(feature = "logs")]
const EXPORTED: [usize; 3] = [1, 1, 1];
#[cfg(not(feature = "logs"))]
const EXPORTED: [usize; 3] = [1, 1, 0];

/// Without the feature `logs`, the variable is an error.
fn variables() -> &'static [(&'static str, &'static str)] {
    if cfg!(feature = "logs") { &ALL } else { &[] }
}

#[test]
fn an_awaited_flush_exports_all_signals_without_a_runtime() {
    let name = "an_awaited_flush_exports_all_signals_without_a_runtime";
    in_own_process(name, variables(), || {
        let exported = exported_by(|telemetry| block_on(telemetry.flush()));
        assert_eq!(exported, EXPORTED);
    });
}

#[test]
fn a_blocking_flush_exports_all_signals() {
    in_own_process("a_blocking_flush_exports_all_signals", variables(), || {
        assert_eq!(exported_by(Telemetry::flush_blocking), EXPORTED);
    });
}

#[tokio::test(flavor = "current_thread")]
async fn a_blocking_flush_inside_a_runtime_of_one_thread_does_not_panic() {
    let name = "a_blocking_flush_inside_a_runtime_of_one_thread_does_not_panic";
    in_own_process(name, variables(), || {
        assert_eq!(exported_by(Telemetry::flush_blocking), EXPORTED);
    });
}

#[test]
fn an_export_that_fails_makes_the_flush_false() {
    in_own_process("an_export_that_fails_makes_the_flush_false", &[], || {
        let endpoint = Endpoint::start(Mood::Status(400, None));
        let telemetry = start(&endpoint.url(), LIMIT);
        record();
        assert!(!telemetry.flush_blocking());
        record();
        assert!(!block_on(telemetry.flush()));
        endpoint.change(Mood::Fine);
        record();
        assert!(telemetry.flush_blocking());
        assert_eq!(endpoint.spans(), ["work"]);
    });
}

#[test]
fn an_endpoint_that_hangs_ends_the_flush_at_the_limit() {
    let name = "an_endpoint_that_hangs_ends_the_flush_at_the_limit";
    in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Hangs);
        let limit = Duration::from_millis(300);
        let telemetry = start(&endpoint.url(), limit);
        record();
        let start = Instant::now();
        assert!(!telemetry.flush_blocking());
        assert!(!block_on(telemetry.flush()));
        assert!(start.elapsed() >= limit * 2);
        assert!(start.elapsed() < limit * 10, "{:?}", start.elapsed());
    });
}

#[test]
fn other_tasks_of_the_thread_run_during_a_flush() {
    let name = "other_tasks_of_the_thread_run_during_a_flush";
    in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Hangs);
        let telemetry = start(&endpoint.url(), LIMIT);
        record();
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(async {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            let other = tokio::spawn(async move { sender.send(()) });
            tokio::select! {
                _ = telemetry.flush() => panic!("the endpoint hangs"),
                received = receiver => received.unwrap(),
            }
            other.await.unwrap().unwrap();
        });
        std::process::exit(0);
    });
}

/// The SDK waits for five seconds.
#[test]
fn a_flush_limit_of_more_than_five_seconds_is_used() {
    let name = "a_flush_limit_of_more_than_five_seconds_is_used";
    in_own_process(name, &[("OTEL_METRICS_EXPORTER", "none")], || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let slow = Duration::from_secs(6);
        let endpoint = Endpoint::listen_with(listener, Mood::Fine, move |stream| {
            thread::sleep(slow);
            Some(stream)
        });
        let telemetry = start(&endpoint.url(), LIMIT);
        record();
        let start = Instant::now();
        assert!(telemetry.flush_blocking());
        assert!(start.elapsed() >= slow);
        assert_eq!(endpoint.spans(), ["work"]);
    });
}

#[test]
fn a_flush_of_a_disabled_sdk_is_done_at_once() {
    let name = "a_flush_of_a_disabled_sdk_is_done_at_once";
    in_own_process(name, &[("OTEL_SDK_DISABLED", "true")], || {
        let telemetry = start("http://127.0.0.1:9", Duration::ZERO);
        record();
        assert!(telemetry.flush_blocking());
        assert!(block_on(telemetry.flush()));
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_flushes_at_once_start_few_threads() {
    let name = "a_thousand_flushes_at_once_start_few_threads";
    in_own_process(name, &[], || {
        let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let endpoint = Endpoint::start(Mood::Hangs);
        let telemetry = start(&endpoint.url(), Duration::from_millis(200));
        record();
        let before = threads();
        let mut flushes: Vec<_> = (0..1000).map(|_| Box::pin(telemetry.flush())).collect();
        let mut context = Context::from_waker(Waker::noop());
        for flush in &mut flushes {
            assert!(flush.as_mut().poll(&mut context).is_pending());
        }
        let after = threads();
        // One for each signal, and those of the endpoint.
        assert!(after <= before + 8, "{before} threads, then {after}");
        for flush in flushes {
            assert!(!block_on(flush));
        }
    });
}
