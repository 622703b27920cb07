//! A server on hyper only, with an adapter that needs `otel_exchange` only, has the spans that `otel_tower` makes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::SystemTime;

use opentelemetry::Value;
use opentelemetry::trace::{SpanId, SpanKind, Status, TraceId};
use otel_testkit::{Collector, Process, Span, assert_logs_correlated};

use common::{LIMIT, block_on, program, start};

struct Server {
    collector: Collector,
    process: Process,
    url: String,
}

impl Server {
    fn start() -> Self {
        let collector = Collector::start().unwrap();
        let mut command = program(env!("CARGO_BIN_EXE_hyper_server"));
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http_endpoint());
        let (process, url) = start("hyper_server", &mut command);
        Self {
            collector,
            process,
            url,
        }
    }

    /// Returns status and body of a GET request.
    fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        block_on(async {
            let mut request = reqwest::Client::new().get(format!("{}{path}", self.url));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        })
    }

    /// Sends the start of a request, and reads until `until` has arrived.
    fn open(&self, request: &str, until: &str) -> TcpStream {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        read_until(&mut stream, until);
        stream
    }

    /// Returns the span of the only request, when it has ended.
    fn only_span(&self) -> Span {
        let traces = self.collector.wait_for(|traces| !traces.is_empty(), LIMIT);
        let traces = traces.unwrap();
        let [trace] = &traces[..] else {
            panic!("{traces:?}")
        };
        assert_eq!(trace.spans().len(), 1, "{trace}");
        trace.spans()[0].clone()
    }
}

fn read_until(stream: &mut TcpStream, until: &str) {
    let mut seen = String::new();
    let mut buffer = [0; 512];
    while !seen.contains(until) {
        let length = stream.read(&mut buffer).unwrap();
        assert_ne!(length, 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
}

const ECHO: &str =
    "POST /echo HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n3\r\ntea\r\n";

fn error_type(span: &Span) -> Option<&Value> {
    span.attribute("error.type")
}

#[test]
fn a_request_is_a_server_span_under_its_caller_and_active_in_the_handler() {
    let mut server = Server::start();
    let caller = "00-12345678901234567890123456789012-1234567890123456-01";
    let answer = server.get("/hello/ada", &[("traceparent", caller)]);
    assert_eq!(answer, (200, "hello ada".to_owned()));

    assert!(server.process.terminate(LIMIT).unwrap().success());
    let traces = server.collector.traces();
    let span = server.only_span();
    assert_eq!(span.name(), "GET /hello/{name}");
    assert_eq!(span.kind(), &SpanKind::Server);
    let trace_id = TraceId::from_hex("12345678901234567890123456789012").unwrap();
    let parent = SpanId::from_hex("1234567890123456").unwrap();
    assert_eq!(span.trace_id(), trace_id);
    assert_eq!(span.parent_span_id(), Some(parent));
    assert_eq!(span.status(), &Status::Unset);
    for (key, value) in [
        ("http.route", Value::from("/hello/{name}")),
        ("http.response.status_code", 200.into()),
        ("network.peer.address", "127.0.0.1".into()),
    ] {
        assert_eq!(span.attribute(key), Some(&value), "{key}");
    }
    assert_eq!(error_type(&span), None);

    let mut logs = server.process.logs();
    logs.retain(|line| line.message() == "handled");
    assert_eq!(logs.len(), 1);
    assert_logs_correlated(&traces, &logs);
}

#[test]
fn an_unknown_path_does_not_name_the_span() {
    let server = Server::start();
    assert_eq!(server.get("/unknown", &[]), (404, String::new()));
    let span = server.only_span();
    assert_eq!(span.name(), "GET");
    let status = span.attribute("http.response.status_code");
    assert_eq!(status, Some(&404.into()));
    assert_eq!(error_type(&span), None);
}

#[test]
fn the_span_of_a_streamed_body_ends_at_its_end() {
    let server = Server::start();
    let mut stream = server.open(ECHO, "tea");
    let before_end = SystemTime::now();
    stream.write_all(b"4\r\ncake\r\n0\r\n\r\n").unwrap();
    read_until(&mut stream, "\r\n0\r\n\r\n");
    let span = server.only_span();
    assert_eq!(span.name(), "POST /echo");
    assert!(
        span.start() < before_end && span.end() > before_end,
        "{span:?}"
    );
    assert_eq!(error_type(&span), None);
}

#[test]
fn a_client_that_disconnects_cancels_its_request() {
    let server = Server::start();
    let request = "GET /silence HTTP/1.1\r\nhost: shop\r\n\r\n";
    drop(server.open(request, "\r\n\r\n"));
    let span = server.only_span();
    assert_eq!(span.name(), "GET /silence");
    assert_eq!(error_type(&span), Some(&"cancelled".into()));
    assert!(span.is_error());
}

#[test]
fn a_body_that_fails_is_an_error() {
    let server = Server::start();
    drop(server.open(ECHO, "tea"));
    let span = server.only_span();
    assert_eq!(error_type(&span), Some(&"body_error".into()));
    assert!(span.is_error());
}

#[test]
fn a_panic_is_an_error() {
    let server = Server::start();
    let address = server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let request = "GET /panic HTTP/1.1\r\nhost: shop\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    let span = server.only_span();
    assert_eq!(error_type(&span), Some(&"panic".into()));
    assert!(span.is_error());
}
