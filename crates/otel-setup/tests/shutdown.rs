//! SIGTERM in the middle of traffic, and a handler that panics: a real axum server in a process of its own.
#![cfg(all(unix, feature = "signal"))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::future::{IntoFuture as _, pending};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use otel_tower::ServerLayer;

use self::support::child::{about, in_own_process};
use self::support::{Endpoint, Mood};

/// Nothing leaves before the end.
const LATE: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "3600000");

fn terminate() {
    let id = std::process::id().to_string();
    let status = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(status.success());
}

fn request(address: std::net::SocketAddr, path: &str) -> thread::JoinHandle<String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        // A connection that is cut is an answer as well.
        let _ = stream.read_to_string(&mut answer);
        answer
    })
}

/// Serves in this process until SIGTERM; `/slow` ends half a second after the signal, `/endless` never.
fn serve(endpoint: &Endpoint, drain: Duration, path: &'static str) -> (String, Duration, bool) {
    let telemetry = otel_setup::builder()
        .service_name("checkout")
        .otlp_endpoint(endpoint.url())
        .flush_limit(Duration::from_millis(500))
        .init()
        .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (arrived, arrival) = mpsc::channel();
    let tell = move || arrived.clone();
    let app = Router::new()
        .route(
            "/slow",
            get({
                let tell = tell.clone();
                async move || {
                    tell().send(()).unwrap();
                    otel_setup::shutdown_signal().await;
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    "done"
                }
            }),
        )
        .route(
            "/endless",
            get({
                let tell = tell.clone();
                async move || {
                    tell().send(()).unwrap();
                    pending::<()>().await;
                }
            }),
        )
        .route(
            "/blocking",
            get(async move || {
                let arrived = tell();
                let block = move || {
                    arrived.send(()).unwrap();
                    thread::park_timeout(Duration::from_secs(3600));
                };
                let _ = tokio::task::spawn_blocking(block).await;
            }),
        )
        .route("/panic", get(async || -> &str { panic!("no such cart") }))
        .layer(ServerLayer::new());
    let (bound, address) = mpsc::channel();
    let server = runtime.spawn(async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        bound.send(listener.local_addr().unwrap()).unwrap();
        let server =
            axum::serve(listener, app).with_graceful_shutdown(otel_setup::shutdown_signal());
        otel_setup::drain(drain, server.into_future()).await
    });
    let address = address.recv().unwrap();
    request(address, "/panic").join().unwrap();
    let client = request(address, path);
    arrival.recv().unwrap();
    let start = Instant::now();
    terminate();
    let has_ended = runtime.block_on(server).unwrap().is_some();
    // The guard outlives the runtime, as `drain` asks for: what still runs is dropped first.
    runtime.shutdown_timeout(Duration::from_millis(100));
    telemetry.shutdown();
    (client.join().unwrap(), start.elapsed(), has_ended)
}

#[test]
fn a_request_in_flight_is_answered_and_all_spans_are_flushed() {
    let name = "a_request_in_flight_is_answered_and_all_spans_are_flushed";
    in_own_process(name, &[LATE], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let (answer, elapsed, has_ended) = serve(&endpoint, Duration::from_secs(10), "/slow");
        assert!(has_ended);
        assert!(answer.ends_with("done"), "{answer}");
        assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
        let mut spans = endpoint.spans();
        spans.sort();
        assert_eq!(spans, ["GET /panic", "GET /slow"]);
    });
}

#[test]
fn a_request_without_an_end_is_cut_and_its_span_flushed() {
    let name = "a_request_without_an_end_is_cut_and_its_span_flushed";
    in_own_process(name, &[LATE], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let (_, elapsed, has_ended) = serve(&endpoint, Duration::from_millis(300), "/endless");
        assert!(!has_ended);
        assert!(elapsed >= Duration::from_millis(300), "{elapsed:?}");
        assert!(elapsed < Duration::from_secs(8), "{elapsed:?}");
        let mut spans = endpoint.spans();
        spans.sort();
        assert_eq!(spans, ["GET /endless", "GET /panic"]);
    });
}

#[test]
fn blocking_work_without_an_end_holds_up_no_flush() {
    let name = "blocking_work_without_an_end_holds_up_no_flush";
    in_own_process(name, &[LATE], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let (_, elapsed, has_ended) = serve(&endpoint, Duration::from_millis(300), "/blocking");
        assert!(!has_ended);
        assert!(elapsed < Duration::from_secs(8), "{elapsed:?}");
        let mut spans = endpoint.spans();
        spans.sort();
        assert_eq!(spans, ["GET /blocking", "GET /panic"]);
    });
}

#[test]
fn an_endpoint_that_hangs_holds_nobody_up() {
    let name = "an_endpoint_that_hangs_holds_nobody_up";
    let lines = in_own_process(name, &[LATE], || {
        let endpoint = Endpoint::start(Mood::Hangs);
        let (answer, elapsed, _) = serve(&endpoint, Duration::from_secs(2), "/slow");
        assert!(answer.ends_with("done"), "{answer}");
        assert!(elapsed < Duration::from_secs(8), "{elapsed:?}");
    });
    assert_eq!(about(&lines, "the flush limit was reached")[0]["lost"], 2);
}
