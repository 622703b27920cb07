//! Each small program does what it says.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use opentelemetry::Value;
use opentelemetry::trace::{SpanKind, Status};
use otel_testkit::{Collector, LogLine, Process, Span, Trace, assert_linked, assert_no_secret};

use common::{LIMIT, block_on, program, start};

/// One of the programs, and what it exports.
struct Running {
    collector: Collector,
    process: Process,
    url: String,
}

impl Running {
    fn start(name: &str, path: &str) -> Self {
        let collector = Collector::start().unwrap();
        let mut command = program(path);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http_endpoint());
        let (process, url) = start(name, &mut command);
        Self {
            collector,
            process,
            url,
        }
    }

    fn ask(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        block_on(async {
            let client = reqwest::Client::new();
            let request = client.get(format!("{}{path}", self.url));
            let request = headers.iter().fold(request, |request, (name, value)| {
                request.header(*name, *value)
            });
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        })
    }

    /// Ends the program, which flushes what it has, and returns its traces in their order and its log lines.
    fn end(mut self) -> (Vec<Trace>, Vec<LogLine>) {
        assert!(self.process.terminate(LIMIT).unwrap().success());
        let logs = self.process.logs();
        let is_loss = |line: &&LogLine| line.target() == "otel_core::context_loss";
        assert_eq!(logs.iter().find(is_loss), None);
        (self.collector.traces(), logs)
    }
}

macro_rules! run {
    ($name:literal) => {
        Running::start($name, env!(concat!("CARGO_BIN_EXE_", $name)))
    };
}

#[track_caller]
fn span<'t>(traces: &'t [Trace], name: &str) -> &'t Span {
    let found = traces.iter().find_map(|trace| trace.span(name));
    found.unwrap_or_else(|| panic!("no span {name} in {traces:?}"))
}

#[test]
fn orders_mark_an_error_whole_and_name_the_user() {
    let orders = run!("orders");
    assert_eq!(
        orders.ask("/orders/7", &[]),
        (200, "1750 cents\n".to_owned())
    );
    assert_eq!(orders.ask("/orders/0", &[]).0, 409);
    let (traces, logs) = orders.end();
    assert_eq!(traces.len(), 2);
    let [whole, failed] = [&traces[0], &traces[1]];
    whole.assert_child_of("reserve stock", "GET /orders/{pieces}");
    for trace in [whole, failed] {
        let server = trace.span("GET /orders/{pieces}").unwrap();
        assert_eq!(server.attribute("user.id"), Some(&"ada".into()));
    }
    let step = failed.span("reserve stock").unwrap();
    assert_eq!(step.status(), &Status::error("out of stock"));
    assert_eq!(
        step.attribute("error.type"),
        Some(&"orders::OutOfStock".into())
    );
    assert_eq!(step.events()[0].name, "exception");
    let reserved = logs
        .iter()
        .find(|line| line.message() == "reserved")
        .unwrap();
    let inside = whole.span("reserve stock").unwrap().span_id().to_string();
    assert_eq!(reserved.span_id(), Some(inside.as_str()));
}

#[test]
fn tasks_stay_in_their_request() {
    let tasks = run!("tasks");
    assert_eq!(tasks.ask("/report", &[]), (200, "7\n".to_owned()));
    let (traces, logs) = tasks.end();
    assert_eq!(traces.len(), 1);
    let server = span(&traces, "GET /report");
    let work = traces[0].children(server);
    assert_eq!(work.len(), 7, "{}", traces[0]);
    assert_eq!(
        logs.iter()
            .filter(|line| line.message() == "working")
            .count(),
        7
    );
    otel_testkit::assert_logs_correlated(&traces, &logs);
}

#[test]
fn a_queue_links_its_two_sides() {
    let collector = Collector::start().unwrap();
    let mut command = program(env!("CARGO_BIN_EXE_queue"));
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http_endpoint());
    let mut process = Process::start("queue", &mut command).unwrap();
    assert!(process.wait_for_end(LIMIT).unwrap().success());
    let traces = collector.traces();
    assert_eq!(traces.len(), 6);
    assert_linked(&traces, "process orders", "send orders");
    let sent = traces
        .iter()
        .filter(|trace| trace.span("send orders").is_some());
    for trace in sent {
        trace.assert_child_of("send orders", "place order");
    }
}

#[test]
fn a_stream_is_measured_to_its_end_and_a_standing_one_to_its_head() {
    let streaming = run!("streaming");
    assert_eq!(streaming.ask("/lines", &[]).1.lines().count(), 10);
    drop(open(&streaming, "/events", "data: 1"));
    // It is read for as long as the program lives, which is no longer than it grants.
    let endless = open(&streaming, "/endless", "line 1");
    let (traces, _) = streaming.end();
    drop(endless);
    let cut = span(&traces, "GET /endless");
    assert_eq!(cut.attribute("error.type"), Some(&Value::from("cancelled")));
    let lines = span(&traces, "GET /lines");
    assert!(lines.duration().as_millis() >= 1000, "{lines:?}");
    let written = traces
        .iter()
        .find(|trace| trace.id() == lines.trace_id())
        .unwrap();
    assert_eq!(written.children(lines).len(), 10);
    assert_eq!(span(&traces, "GET /events").status(), &Status::Unset);
}

/// Asks, and reads until this has come.
fn open(running: &Running, path: &str, until: &str) -> TcpStream {
    let address = running.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: shop\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut buffer = [0; 512];
    let mut seen = String::new();
    while !seen.contains(until) {
        let length = stream.read(&mut buffer).unwrap();
        assert_ne!(length, 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    stream
}

#[test]
fn a_websocket_s_messages_are_in_its_request_s_trace() {
    let websocket = run!("websocket");
    let address = websocket.url.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let head = "GET /chat HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(head.as_bytes()).unwrap();
    // A masked text frame of three bytes, with a mask of zeros.
    socket
        .write_all(&[0x81, 0x83, 0, 0, 0, 0, b't', b'e', b'a'])
        .unwrap();
    let mut seen = Vec::new();
    let mut buffer = [0; 512];
    while !seen.ends_with(b"aet") {
        let length = socket.read(&mut buffer).unwrap();
        assert_ne!(length, 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&buffer[..length]);
    }
    drop(socket);
    let (traces, logs) = websocket.end();
    assert_eq!(traces.len(), 1);
    traces[0].assert_child_of("answer", "GET /chat");
    otel_testkit::assert_logs_correlated(&traces, &logs);
}

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const CALLERS_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[test]
fn a_stranger_is_linked_to_and_one_s_own_callers_are_continued() {
    let edge = run!("public_edge");
    let headers = [("traceparent", CALLER), ("x-forwarded-for", "198.51.100.7")];
    edge.ask("/", &headers);
    edge.ask("/internal/stock", &headers);
    let (traces, _) = edge.end();
    let stranger = span(&traces, "GET /");
    assert_ne!(stranger.trace_id().to_string(), CALLERS_TRACE);
    assert_eq!(stranger.parent_span_id(), None);
    let link = &stranger.links()[0].span_context;
    assert_eq!(link.trace_id().to_string(), CALLERS_TRACE);
    assert_eq!(
        stranger.attribute("client.address"),
        Some(&"198.51.100.7".into())
    );
    let own = span(&traces, "GET /internal/stock");
    assert_eq!(own.trace_id().to_string(), CALLERS_TRACE);
}

#[test]
fn both_formats_are_read_and_sent_while_neighbours_move() {
    let migrating = run!("b3_migration");
    let b3 = format!("{CALLERS_TRACE}-b7ad6b7169203331-1");
    let mut answers = Vec::new();
    for (name, value) in [("traceparent", CALLER), ("b3", b3.as_str())] {
        let (status, sent) = migrating.ask("/", &[(name, value)]);
        assert_eq!(status, 200);
        assert_eq!(sent.matches(CALLERS_TRACE).count(), 2, "{sent}");
        answers.push(sent);
    }
    let (traces, _) = migrating.end();
    assert_eq!(traces.len(), 1, "{traces:?}");
    assert_eq!(traces[0].spans().len(), 6);
    for call in traces[0]
        .spans()
        .iter()
        .filter(|span| span.kind() == &SpanKind::Client)
    {
        let id = call.span_id().to_string();
        let sent = answers
            .iter()
            .filter(|answer| answer.matches(&id).count() == 2);
        assert_eq!(sent.count(), 1);
    }
}

#[test]
fn secrets_stay_out_of_spans_and_lines() {
    let redaction = run!("redaction");
    let headers = [("x-tenant", "blue"), ("authorization", "S3cr-t-0f-Ada")];
    let path = "/tickets?ticket=S3cr-t-0f-Ada&token=S3cr-t-0f-Ada&page=2";
    assert_eq!(redaction.ask(path, &headers).0, 200);
    let (traces, logs) = redaction.end();
    assert_no_secret(&traces, &logs, "S3cr-t-0f-Ada");
    assert_no_secret(&traces, &logs, "hunter2");
    let server = span(&traces, "GET /tickets");
    let query = "ticket=REDACTED&token=REDACTED&page=2";
    assert_eq!(server.attribute("url.query"), Some(&query.into()));
    let line = logs
        .iter()
        .find(|line| line.message() == "tickets listed")
        .unwrap();
    assert_eq!(line.field("page"), Some(&2.into()));
    let looked_up = span(&traces, "look_up");
    for secret in ["api_token", "holder"] {
        assert_eq!(looked_up.attribute(secret), Some(&"REDACTED".into()));
    }
    assert_eq!(looked_up.attribute("page"), Some(&2.into()));
}

#[test]
fn every_preset_of_lines_is_shown() {
    let mut command = program(env!("CARGO_BIN_EXE_log_presets"));
    let mut process = Process::start("log_presets", &mut command).unwrap();
    assert!(process.wait_for_end(LIMIT).unwrap().success());
    let lines = process.stdout();
    let presets = [
        "\"trace_flags\":\"01\"",
        "logging.googleapis.com/trace",
        "dd.",
        "ecs.version",
    ];
    for (line, preset) in lines.iter().zip(presets) {
        assert!(line.contains("pricing is slow"), "{line}");
        assert!(line.starts_with('{'), "{preset}: {line}");
    }
    let text: String = lines.join("\n");
    for preset in ["logging.googleapis.com/trace", "ecs.version", "severity"] {
        assert!(text.contains(preset), "{preset}: {text}");
    }
}

#[test]
fn a_service_s_metrics_are_exported_with_its_label() {
    let mut command = program(env!("CARGO_BIN_EXE_metrics"));
    command.env("OTEL_TRACES_EXPORTER", "none");
    command.env("OTEL_METRICS_EXPORTER", "console");
    let (mut process, url) = start("metrics", &mut command);
    assert_eq!(common::get(&format!("{url}/buy/free")), 200);
    assert!(process.terminate(LIMIT).unwrap().success());
    let printed = process.stdout().join("\n");
    for part in [
        "http.server.request.duration",
        "http.server.active_requests",
        "http.server.response.body.size",
        "shop.sold",
        "shop.plan",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}

#[test]
fn purchases_are_recorded_and_health_checks_never() {
    let sampling = run!("sampling");
    for path in ["/buy", "/healthy", "/buy"] {
        assert_eq!(sampling.ask(path, &[]).0, 200);
    }
    let (traces, _) = sampling.end();
    assert_eq!(traces.len(), 2);
    for trace in &traces {
        let span = &trace.spans()[0];
        assert_eq!(span.attribute("url.path"), Some(&Value::from("/buy")));
    }
}
