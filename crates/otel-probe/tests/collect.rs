//! The command `otel-probe collect`: its output, its web page and its memory.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{AnyValue, KeyValue, any_value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use otel_testkit::Process;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

struct Probe {
    process: Process,
    http: String,
}

impl Probe {
    fn start(quiet: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_otel-probe"));
        command
            .args([
                "collect",
                "--http-port",
                "0",
                "--grpc-port",
                "0",
                "--quiet",
                quiet,
            ])
            .args(arguments);
        let process = Process::start("otel-probe", &mut command).unwrap();
        let http = process.wait_for_stderr(LIMIT, |line| {
            let (_, rest) = line.split_once("http ")?;
            Some(rest.split(',').next()?.to_owned())
        });
        Self {
            http: http.unwrap(),
            process,
        }
    }

    fn export(&self, path: &str, message: &impl prost::Message) {
        let answer = reqwest::blocking::Client::new()
            .post(format!("{}{path}", self.http))
            .header("content-type", "application/x-protobuf")
            .body(message.encode_to_vec())
            .send();
        assert_eq!(answer.unwrap().status(), 200);
    }
}

fn string(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(any(value)),
        ..Default::default()
    }
}

fn any(text: &str) -> AnyValue {
    AnyValue {
        value: Some(any_value::Value::StringValue(text.to_owned())),
    }
}

fn span(trace: u64, id: u64, parent: u64, name: &str) -> Span {
    Span {
        trace_id: u128::from(trace).to_be_bytes().to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        parent_span_id: match parent {
            0 => Vec::new(),
            parent => parent.to_be_bytes().to_vec(),
        },
        name: name.to_owned(),
        start_time_unix_nano: id * 1_000_000,
        end_time_unix_nano: 90_000_000,
        ..Default::default()
    }
}

fn spans(spans: Vec<Span>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![string("service.name", "shop")],
                ..Default::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans,
                ..Default::default()
            }],
            ..Default::default()
        }],
    }
}

fn log(trace: u64, span: u64, message: &str) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![LogRecord {
                    trace_id: u128::from(trace).to_be_bytes().to_vec(),
                    span_id: span.to_be_bytes().to_vec(),
                    severity_number: 17,
                    body: Some(any(message)),
                    attributes: vec![string("sku", "espresso"), string("message", "not this")],
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        }],
    }
}

#[test]
fn a_finished_trace_is_one_waterfall_with_its_lines() {
    let mut probe = Probe::start("300", &["--count", "1"]);
    probe.export("/v1/logs", &log(7, 2, "no such price"));
    probe.export("/v1/traces", &spans(vec![span(7, 2, 1, "inner")]));
    probe.export("/v1/traces", &spans(vec![span(7, 1, 0, "outer")]));
    let status = probe.process.wait_for_end(LIMIT).unwrap();
    assert_eq!(status.code(), Some(0));
    let printed = probe.process.stdout().join("\n");
    assert!(printed.contains("2 spans · 1 service"), "{printed}");
    assert!(printed.contains("└─ inner"), "{printed}");
    let line = &probe.process.logs()[0];
    assert_eq!(line.message(), "no such price");
    assert_eq!(line.level(), "ERROR");
    assert_eq!(line.field("sku").unwrap(), "espresso");
    assert_eq!(line.span_id(), Some("0000000000000002"));
}

#[test]
fn json_is_one_object_per_trace_and_the_page_has_them_all() {
    let page = std::env::temp_dir().join(format!("otel-probe-{}.html", std::process::id()));
    let name = page.display().to_string();
    let mut probe = Probe::start(
        "300",
        &["--count", "2", "--format", "json", "--html", &name],
    );
    probe.export("/v1/traces", &spans(vec![span(1, 1, 0, "first")]));
    probe.export("/v1/traces", &spans(vec![span(2, 1, 0, "second")]));
    probe.process.wait_for_end(LIMIT).unwrap();
    let printed = probe.process.stdout();
    let names: Vec<Value> = printed
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["spans"][0]["name"].clone())
        .collect();
    assert_eq!(names.len(), 2);
    assert!(names.contains(&"first".into()) && names.contains(&"second".into()));
    let html = fs::read_to_string(&page).unwrap();
    fs::remove_file(page).unwrap();
    assert!(html.contains(r#""name":"first""#) && html.contains(r#""name":"second""#));
}

#[test]
fn log_messages_cannot_control_the_terminal() {
    let hostile = "\u{9b}2J \u{7f} \u{202e}desrever \u{2066} a\u{2028}b\u{2029}c";
    for format in ["text", "json"] {
        let mut probe = Probe::start("300", &["--count", "1", "--format", format]);
        probe.export("/v1/logs", &log(7, 1, hostile));
        probe.export("/v1/traces", &spans(vec![span(7, 1, 0, hostile)]));
        probe.process.wait_for_end(LIMIT).unwrap();
        let printed = probe.process.stdout().join("\n");
        let raw = |c: &char| hostile.contains(*c) && !c.is_ascii_graphic() && *c != ' ';
        assert_eq!(printed.chars().find(raw), None, "{format}: {printed}");
        let message = match format {
            "json" => {
                serde_json::from_str::<Value>(&printed).unwrap()["logs"][0]["message"].clone()
            }
            _ => probe.process.logs()[0].message().into(),
        };
        assert_eq!(message, hostile, "{format}: the message is unchanged");
    }
}

#[test]
fn the_page_has_as_many_traces_as_the_memory_limit_allows() {
    let page = std::env::temp_dir().join(format!("otel-probe-{}-memory.html", std::process::id()));
    let name = page.display().to_string();
    let arguments = ["--count", "6", "--format", "none", "--memory", "1"];
    let mut probe = Probe::start("0", &[&arguments[..], &["--html", &name]].concat());
    for trace in 1..=6 {
        let mut span = span(trace, 1, 0, &format!("trace {trace}"));
        span.attributes = vec![string("long", &"x".repeat(300_000))];
        probe.export("/v1/traces", &spans(vec![span]));
        // The page is written before the next trace is sent.
        let written = format!(r#""name":"trace {trace}""#);
        let start = Instant::now();
        while !fs::read_to_string(&page).unwrap().contains(&written) {
            assert!(start.elapsed() < LIMIT, "no page with {written}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    probe.process.wait_for_end(LIMIT).unwrap();
    let html = fs::read_to_string(&page).unwrap();
    fs::remove_file(page).unwrap();
    let shown: Vec<u64> = (1..=6)
        .filter(|trace| html.contains(&format!(r#""name":"trace {trace}""#)))
        .collect();
    assert_eq!(shown, [4, 5, 6], "of 300 kB each");
}

#[cfg(unix)]
#[test]
fn an_interrupt_prints_unfinished_traces_and_is_exit_code_0() {
    let page = std::env::temp_dir().join(format!("otel-probe-{}-ctrl-c.html", std::process::id()));
    let name = page.display().to_string();
    let mut probe = Probe::start("60000", &["--html", &name]);
    probe.export("/v1/traces", &spans(vec![span(7, 1, 0, "unfinished")]));
    let interrupt = Command::new("kill")
        .args(["-INT", &probe.process.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    let status = probe.process.wait_for_end(LIMIT).unwrap();
    assert_eq!(status.code(), Some(0), "{:?}", probe.process.stderr());
    let printed = probe.process.stdout().join("\n");
    assert!(printed.contains("unfinished"), "{printed}");
    let html = fs::read_to_string(&page).unwrap();
    fs::remove_file(page).unwrap();
    assert!(html.contains(r#""name":"unfinished""#));
}

#[test]
fn a_timeout_is_exit_code_1_and_a_port_in_use_2() {
    let mut probe = Probe::start("300", &["--count", "1", "--within", "0"]);
    let status = probe.process.wait_for_end(LIMIT).unwrap();
    assert_eq!(status.code(), Some(1), "{:?}", probe.process.stderr());

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_otel-probe"))
        .args(["collect", "--grpc-port", "0", "--http-port", &port])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains(&format!("port {port}")), "{errors}");
}

/// 60 MB of spans arrive, and 4 MiB may be kept.
#[cfg(target_os = "linux")]
#[test]
fn memory_is_bounded() {
    let probe = Probe::start("60000", &["--memory", "4", "--format", "none"]);
    let long = "x".repeat(1_000);
    for batch in 0..120 {
        let many = (1..=500).map(|id| {
            let mut span = span(batch * 500 + id, id, 0, "work");
            span.attributes = vec![string("long", &long)];
            span
        });
        probe.export("/v1/traces", &spans(many.collect()));
    }
    let status = fs::read_to_string(format!("/proc/{}/status", probe.process.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: usize = peak
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    assert!(peak < 48 * 1024, "{peak} KiB at its peak");
}
