//! The commands `otel-probe check` and `audit`, with a made-up service.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::mpsc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span, span::SpanKind},
};
use otel_testkit::Process;
use prost::Message as _;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(30);

/// Creates the span of the made-up service from the header lines of a request.
type Behaviour = fn(&[String]) -> Option<Span>;

/// Runs the program with a service of this behaviour, and returns its exit code, standard output and standard error.
fn probe(command: &str, arguments: &[&str], behaviour: Behaviour) -> (Option<i32>, String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/users/7", listener.local_addr().unwrap());
    let (tell, endpoint) = mpsc::channel::<String>();
    thread::spawn(move || {
        // The program prints its endpoint before it sends requests.
        let endpoint = endpoint.recv().unwrap();
        for stream in listener.incoming().map_while(Result::ok) {
            serve(stream, &endpoint, behaviour);
        }
    });
    let mut process = Process::start(
        "otel-probe",
        Command::new(env!("CARGO_BIN_EXE_otel-probe"))
            .args([command, &url, "--http-port", "0", "--grpc-port", "0"])
            .args(["--quiet", "300", "--wait", "2"])
            .args(arguments),
    )
    .unwrap();
    let endpoint = process.wait_for_stderr(LIMIT, |line| {
        let (_, rest) = line.split_once("http http://")?;
        Some(rest.split(',').next()?.to_owned())
    });
    // A program that ends before it listens prints the reason.
    let _ = endpoint.map(|endpoint| tell.send(endpoint));
    let status = process.wait_for_end(LIMIT).unwrap();
    (
        status.code(),
        process.stdout().join("\n"),
        process.stderr().join("\n"),
    )
}

fn serve(mut stream: TcpStream, endpoint: &str, behaviour: Behaviour) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let head: Vec<String> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    if let Some(span) = behaviour(&head) {
        export(endpoint, span);
    }
    let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
    let _ = stream.write_all(answer.as_bytes());
}

fn export(endpoint: &str, span: Span) {
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![attribute("service.name", "made-up")],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    let body = request.encode_to_vec();
    let mut stream = TcpStream::connect(endpoint).unwrap();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/x-protobuf\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

fn header<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    head.iter().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().collect();
    let pairs = digits.chunks(2).map(String::from_iter);
    pairs
        .map(|pair| u8::from_str_radix(&pair, 16).unwrap())
        .collect()
}

/// Starts a trace with a SERVER span.
fn restart(head: &[String]) -> Option<Span> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = u64::try_from(now.as_nanos()).unwrap();
    let agent = header(head, "user-agent").unwrap();
    Some(Span {
        trace_id: now.to_be_bytes().repeat(2),
        span_id: now.to_be_bytes().to_vec(),
        name: "GET /users/{id}".to_owned(),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: now,
        end_time_unix_nano: now + 1,
        attributes: vec![attribute("user_agent.original", agent)],
        ..Span::default()
    })
}

/// Continues the caller's trace if `traceparent` is valid and sampled.
fn continue_w3c(head: &[String]) -> Option<Span> {
    let mut span = restart(head)?;
    let Some(parent) = header(head, "traceparent") else {
        return Some(span);
    };
    if parent.chars().any(|c| c.is_ascii_uppercase()) {
        return Some(span);
    }
    let parts: Vec<&str> = parent.split('-').collect();
    span.trace_id = hex(parts[1]);
    span.parent_span_id = hex(parts[2]);
    (parts[3] == "01").then_some(span)
}

/// Continues the caller's trace even if `traceparent` has capital letters.
fn continue_loosely(head: &[String]) -> Option<Span> {
    let lowered: Vec<String> = head.iter().map(|line| line.to_lowercase()).collect();
    continue_w3c(&lowered)
}

fn with_old_names(head: &[String]) -> Option<Span> {
    let mut span = continue_w3c(head)?;
    span.attributes.push(attribute("http.method", "GET"));
    Some(span)
}

fn of_kind_internal(head: &[String]) -> Option<Span> {
    let mut span = continue_w3c(head)?;
    span.kind = SpanKind::Internal.into();
    Some(span)
}

/// Creates a child of a span that is never exported.
fn below_a_lost_one(head: &[String]) -> Option<Span> {
    let mut span = continue_w3c(head)?;
    if !span.parent_span_id.is_empty() {
        span.parent_span_id = vec![7; 8];
    }
    Some(span)
}

fn leaking(head: &[String]) -> Option<Span> {
    let mut span = restart(head)?;
    let secret = header(head, "authorization").unwrap();
    let key = "http.request.header.authorization";
    span.attributes.push(attribute(key, secret));
    Some(span)
}

/// Creates the span of another client's request, such as a health check.
fn of_another(head: &[String]) -> Option<Span> {
    let mut span = restart(head)?;
    span.attributes = vec![attribute("user_agent.original", "kube-probe/1.31")];
    Some(span)
}

/// Creates the span of a background job.
fn of_a_job(head: &[String]) -> Option<Span> {
    let mut span = restart(head)?;
    span.kind = SpanKind::Internal.into();
    span.attributes.clear();
    Some(span)
}

fn before_the_audit(head: &[String]) -> Option<Span> {
    let mut span = without_an_agent(head)?;
    span.start_time_unix_nano -= 60_000_000_000;
    Some(span)
}

fn without_an_agent(head: &[String]) -> Option<Span> {
    let mut span = restart(head)?;
    span.attributes.clear();
    Some(span)
}

/// Continues sampled traces. At each unsampled request, it creates the span of another client's request.
fn asked_by_another(head: &[String]) -> Option<Span> {
    continue_w3c(head).or_else(|| without_an_agent(head))
}

fn silent(_: &[String]) -> Option<Span> {
    None
}

#[test]
fn a_service_that_continues_passes() {
    let (code, text, errors) = probe("check", &[], continue_w3c);
    assert_eq!(code, Some(0), "{text}\n{errors}");
    assert!(
        text.starts_with("made-up reads tracecontext · http://"),
        "{text}"
    );
    assert!(text.ends_with("nothing is wrong"), "{text}");
    let (code, text, _) = probe("check", &["--json"], continue_w3c);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(code, Some(0));
    assert_eq!(json["ok"], true);
    assert_eq!(json["services"][0]["requests"][0]["outcome"], "continued");
}

#[test]
fn a_span_of_another_clients_request_is_not_an_answer() {
    let (code, text, errors) = probe("check", &[], asked_by_another);
    assert_eq!(code, Some(0), "{text}\n{errors}");
    let row = "tracecontext  not sampled  200  not recorded";
    assert!(text.contains(row), "{text}");
}

#[test]
fn each_fault_is_named_and_is_exit_code_1() {
    let cases: [(&str, Behaviour, &str); 4] = [
        ("restarted", restart, "continues no trace"),
        (
            "too lenient",
            continue_loosely,
            "reads a malformed tracecontext",
        ),
        ("kind", of_kind_internal, "is of kind INTERNAL, not SERVER"),
        (
            "orphan",
            below_a_lost_one,
            "the parent of \"GET /users/{id}\" (made-up) was never exported",
        ),
    ];
    for (name, behaviour, says) in cases {
        let (code, text, _) = probe("check", &[], behaviour);
        assert_eq!(code, Some(1), "{name}: {text}");
        assert!(text.contains(says), "{name}: {text}");
    }
}

#[test]
fn a_warning_counts_with_strict() {
    let (code, text, _) = probe("check", &[], with_old_names);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("WARNING  made-up uses old attribute names: http.method"),
        "{text}"
    );
    assert_eq!(probe("check", &["--strict"], with_old_names).0, Some(1));
}

#[test]
fn log_lines_of_a_file_are_checked_too() {
    let file = env::temp_dir().join(format!("otel-probe-{}.log", std::process::id()));
    fs::write(
        &file,
        "plain\n{\"message\":\"hello\",\"trace_id\":\"1234\"}\n",
    )
    .unwrap();
    let (code, text, _) = probe("check", &["--logs", file.to_str().unwrap()], continue_w3c);
    fs::remove_file(&file).unwrap();
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("trace_id is not 32 lowercase hex digits: \"hello\""),
        "{text}"
    );
    let (code, _, errors) = probe("check", &["--logs", "/does/not/exist"], continue_w3c);
    assert_eq!(code, Some(2), "{errors}");
}

#[test]
fn a_leak_is_exit_code_1_unless_allowed() {
    let (code, text, _) = probe("audit", &[], leaking);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains(
            "LEAK     authorization: attribute http.request.header.authorization of span"
        ),
        "{text}"
    );
    assert!(text.contains("LEAK     user-info: "), "{text}");
    let (code, text, _) = probe("audit", &["--json"], leaking);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(code, Some(1));
    assert_eq!(json["exposures"][0]["form"], "plain");

    let allow = ["--allow", "http.request.header.*"];
    let (code, text, _) = probe("audit", &allow, leaking);
    assert_eq!(code, Some(0), "{text}");
    let allow = ["--allow", "cookie:http.request.header.authorization"];
    assert_eq!(probe("audit", &allow, leaking).0, Some(1));
    assert_eq!(probe("audit", &[], restart).0, Some(0));
}

#[test]
fn an_audit_that_has_not_seen_its_requests_does_not_pass() {
    let others: [(&str, Behaviour); 3] = [
        ("another client's", of_another),
        ("a job's", of_a_job),
        ("before the audit", before_the_audit),
    ];
    for (name, behaviour) in others {
        let (code, text, errors) = probe("audit", &[], behaviour);
        assert_eq!(code, Some(2), "{name}: {text}");
        let says = "no span of the audit's requests was received";
        assert!(
            text.contains(says) && errors.contains(says),
            "{name}: {text} {errors}"
        );
    }
    let (code, text, _) = probe("audit", &[], without_an_agent);
    assert_eq!(code, Some(0), "no user agent is recorded: {text}");
}

#[test]
fn no_result_is_exit_code_2() {
    for command in ["check", "audit"] {
        let (code, text, errors) = probe(command, &[], silent);
        assert_eq!(code, Some(2), "{command}: {text}");
        assert!(
            errors.contains("was exported to this program"),
            "{command}: {errors}"
        );
        let closed = "http://127.0.0.1:9/?token=hunter2";
        let mut process = Process::start(
            "otel-probe",
            Command::new(env!("CARGO_BIN_EXE_otel-probe")).args([
                command,
                closed,
                "--http-port",
                "0",
                "--grpc-port",
                "0",
            ]),
        )
        .unwrap();
        assert_eq!(
            process.wait_for_end(LIMIT).unwrap().code(),
            Some(2),
            "{command}"
        );
        let errors = process.stderr().join("\n");
        assert!(
            errors.contains("cannot send a request to http://127.0.0.1:9/: "),
            "{command}: {errors}"
        );
        assert!(!errors.contains("hunter2"), "{command}: {errors}");
    }
}
