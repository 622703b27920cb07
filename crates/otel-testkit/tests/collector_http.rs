//! The answers of the receiver over HTTP, to exporters and to other clients.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use otel_testkit::Collector;
use proptest::prelude::*;
use prost::Message as _;

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

struct Answer {
    status: u16,
    body: Vec<u8>,
}

fn addr(endpoint: &str) -> SocketAddr {
    endpoint.strip_prefix("http://").unwrap().parse().unwrap()
}

fn post(collector: &Collector, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(addr(&collector.http_endpoint())).unwrap();
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n");
    head.push_str(&format!("content-length: {}\r\n", body.len()));
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(body); // a refused body may not be read to its end
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let status = std::str::from_utf8(&answer[9..12])
        .unwrap()
        .parse()
        .unwrap();
    Answer {
        status,
        body: answer[end + 4..].to_vec(),
    }
}

fn span(trace: u8, id: u8) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        name: "work".to_owned(),
        ..Span::default()
    }
}

fn request(spans: Vec<Span>) -> Vec<u8> {
    let scope_spans = vec![ScopeSpans {
        spans,
        ..ScopeSpans::default()
    }];
    let resource_spans = vec![ResourceSpans {
        scope_spans,
        ..ResourceSpans::default()
    }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn answers_follow_the_specification() {
    let good = request(vec![span(1, 1)]);
    let large = request(vec![Span {
        name: "x".repeat(5_000_000),
        ..span(1, 1)
    }]);
    let json = ("content-type", "application/json");
    let params = ("content-type", "Application/X-Protobuf; charset=binary");
    let zstd = ("content-encoding", "zstd");
    let (packed, bomb) = (gzip(&good), gzip(&large));
    assert!(bomb.len() < 100_000);
    let damaged = [&bomb[..], b"this is not a gzip member"].concat();
    /// Name, path, headers, body, status, kept spans.
    type Case<'a> = (
        &'a str,
        &'a str,
        &'a [(&'a str, &'a str)],
        &'a [u8],
        u16,
        usize,
    );
    let cases: [Case<'_>; 15] = [
        ("good", "/v1/traces", &[PROTOBUF], &good, 200, 1),
        (
            "content type with parameter",
            "/v1/traces",
            &[params],
            &good,
            200,
            1,
        ),
        ("gzip", "/v1/traces", &[PROTOBUF, GZIP], &packed, 200, 1),
        ("empty", "/v1/traces", &[PROTOBUF], &[], 200, 0),
        ("JSON", "/v1/traces", &[json], b"{}", 415, 0),
        ("no content type", "/v1/traces", &[], &good, 415, 0),
        ("zstd", "/v1/traces", &[PROTOBUF, zstd], &good, 415, 0),
        (
            "cut",
            "/v1/traces",
            &[PROTOBUF],
            &good[..good.len() - 1],
            400,
            0,
        ),
        ("not gzip", "/v1/traces", &[PROTOBUF, GZIP], &good, 400, 0),
        ("too large", "/v1/traces", &[PROTOBUF], &large, 413, 0),
        (
            "too large when unpacked",
            "/v1/traces",
            &[PROTOBUF, GZIP],
            &bomb,
            413,
            0,
        ),
        // The data is damaged after the limit, which shows whether the receiver unpacks more than the limit.
        (
            "not unpacked further",
            "/v1/traces",
            &[PROTOBUF, GZIP],
            &damaged,
            413,
            0,
        ),
        ("metrics", "/v1/metrics", &[PROTOBUF], b"any", 200, 0),
        ("logs", "/v1/logs", &[json], b"{}", 200, 0),
        ("elsewhere", "/v2/traces", &[PROTOBUF], &good, 404, 0),
    ];
    for (name, path, headers, body, status, spans) in cases {
        let collector = Collector::start().unwrap();
        let answer = post(&collector, path, headers, body);
        assert_eq!(
            answer.status,
            status,
            "{name}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        assert_eq!(collector.spans().len(), spans, "{name}");
        let other = u64::from(path == "/v1/metrics" || path == "/v1/logs");
        assert_eq!(collector.other_signals(), other, "{name}");
        if status == 200 {
            let answer = ExportTraceServiceResponse::decode(&*answer.body).expect(name);
            assert_eq!(answer.partial_success, None, "{name}");
        }
    }
}

#[test]
fn spans_without_ids_are_rejected_and_the_others_kept() {
    let collector = Collector::start().unwrap();
    let body = request(vec![span(1, 1), span(0, 1), span(1, 0)]);
    let answer = post(&collector, "/v1/traces", &[PROTOBUF], &body);
    assert_eq!(answer.status, 200);
    let answer = ExportTraceServiceResponse::decode(&*answer.body).unwrap();
    assert_eq!(answer.partial_success.unwrap().rejected_spans, 2);
    assert_eq!(collector.spans().len(), 1);
    assert_eq!(collector.rejected(), 2);
}

#[test]
fn memory_is_bounded_by_the_span_limit() {
    let collector = Collector::builder().span_limit(100).start().unwrap();
    for trace in 1..=50 {
        let body = request((1..=10).map(|id| span(trace, id)).collect());
        assert_eq!(
            post(&collector, "/v1/traces", &[PROTOBUF], &body).status,
            200
        );
        assert!(collector.spans().len() <= 100);
    }
    let traces = collector.traces();
    assert_eq!(traces.len(), 10, "the newest traces are kept");
    assert!(
        traces
            .iter()
            .all(|trace| trace.spans().len() == 10 && trace.id().to_bytes()[0] > 40)
    );
    assert_eq!(collector.dropped(), 400);
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for (name, builder) in [
        ("http", Collector::builder().http_port(port)),
        ("grpc", Collector::builder().grpc_port(port)),
    ] {
        let error = builder.start().unwrap_err();
        assert!(error.is_port_in_use(), "{name}");
        let message = error.to_string();
        assert!(
            message.starts_with(&format!("port {port} on 127.0.0.1 is in use: ")),
            "{message}"
        );
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[test]
fn a_dropped_receiver_stops_even_with_an_open_connection() {
    let collector = Collector::start().unwrap();
    let addr = addr(&collector.http_endpoint());
    let mut half = TcpStream::connect(addr).unwrap();
    half.write_all(b"POST /v1/traces HTTP/1.1\r\nhost: a\r\n")
        .unwrap();
    half.set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    drop(collector);
    let closed = half.read(&mut [0]);
    assert!(
        matches!(&closed, Ok(0))
            || closed
                .as_ref()
                .is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset),
        "{closed:?}"
    );
    let again = TcpStream::connect(addr);
    assert!(again.is_err(), "nothing listens any more");
}

#[test]
fn a_receiver_starts_and_stops_within_a_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { drop(Collector::start().unwrap()) });
}

#[test]
fn the_receiver_survives_any_bytes() {
    let collector = Collector::start().unwrap();
    let good = request(
        (1..20)
            .map(|id| Span {
                parent_span_id: vec![id + 1; 8],
                ..span(1, id)
            })
            .collect(),
    );
    let strategy = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        // A valid request with some changed bytes reaches more code than random bytes.
        prop::collection::vec((0..good.len(), any::<u8>()), 1..20).prop_map({
            let good = good.clone();
            move |changes| {
                let mut bytes = good.clone();
                for (at, byte) in changes {
                    bytes[at] = byte;
                }
                bytes
            }
        }),
    ];
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(300)
    };
    let path = proptest::sample::select(vec!["/v1/traces", "/v1/logs", "/v1/metrics"]);
    proptest!(config, |(path in path, bytes in strategy, packed: bool)| {
        let answer = if packed {
            post(&collector, path, &[PROTOBUF, GZIP], &gzip(&bytes))
        } else {
            post(&collector, path, &[PROTOBUF], &bytes)
        };
        prop_assert!(matches!(answer.status, 200 | 400), "{}", answer.status);
        for trace in collector.traces() {
            prop_assert!(!trace.to_string().contains('\x1b'));
        }
    });
    let before = collector.spans().len();
    assert_eq!(
        post(&collector, "/v1/traces", &[PROTOBUF], &good).status,
        200
    );
    assert_eq!(collector.spans().len(), before + 19, "it still receives");
}
