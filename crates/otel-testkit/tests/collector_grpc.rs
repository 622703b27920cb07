//! The answers of the receiver over gRPC, to exporters and to other clients.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use opentelemetry_proto::tonic::{
    collector::{
        metrics::v1::{ExportMetricsServiceRequest, metrics_service_client::MetricsServiceClient},
        trace::v1::{ExportTraceServiceRequest, trace_service_client::TraceServiceClient},
    },
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use otel_testkit::Collector;
use proptest::prelude::*;
use tonic::{Code, codec::CompressionEncoding};

fn request(name: &str) -> ExportTraceServiceRequest {
    let span = |id| Span {
        trace_id: vec![1; 16],
        span_id: vec![id; 8],
        name: name.to_owned(),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans {
        spans: vec![span(1), span(0)],
        ..ScopeSpans::default()
    }];
    let resource_spans = vec![ResourceSpans {
        scope_spans,
        ..ResourceSpans::default()
    }];
    ExportTraceServiceRequest { resource_spans }
}

#[test]
fn exports_are_answered_and_limited_with_and_without_gzip() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let collector = Collector::builder().body_limit(10_000).start().unwrap();
    let client = runtime
        .block_on(TraceServiceClient::connect(collector.grpc_endpoint()))
        .unwrap();
    let packed = client.clone().send_compressed(CompressionEncoding::Gzip);
    let mut kept = 0;
    for (name, mut client) in [("plain", client), ("gzip", packed)] {
        let answer = runtime.block_on(client.export(request("work")));
        let rejected = answer.expect(name).into_inner().partial_success;
        assert_eq!(rejected.expect(name).rejected_spans, 1, "{name}");
        kept += 1;
        assert_eq!(collector.spans().len(), kept, "{name}");

        let answer = runtime.block_on(client.export(request(&"x".repeat(20_000))));
        let code = answer.expect_err(name).code();
        let refused = matches!(code, Code::OutOfRange | Code::ResourceExhausted);
        assert!(refused, "{name}: {code:?}");
        assert_eq!(collector.spans().len(), kept, "{name}");
    }
}

#[test]
fn metrics_are_accepted_and_counted() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let collector = Collector::start().unwrap();
    let answer = runtime.block_on(async {
        let client = MetricsServiceClient::connect(collector.grpc_endpoint()).await;
        let request = ExportMetricsServiceRequest::default();
        client.unwrap().export(request).await
    });
    answer.unwrap();
    assert_eq!(collector.other_signals(), 1);
}

#[test]
fn an_export_over_http_to_the_grpc_port_is_refused() {
    let collector = Collector::start().unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
                content-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
    let answer = send(&collector, head.as_bytes());
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 415"), "{answer}");
    assert!(
        answer.contains("this port accepts only OTLP over gRPC"),
        "{answer}"
    );
}

fn send(collector: &Collector, bytes: &[u8]) -> Vec<u8> {
    let endpoint = collector.grpc_endpoint();
    let mut stream = TcpStream::connect(endpoint.strip_prefix("http://").unwrap()).unwrap();
    let _ = stream.write_all(bytes); // a refused message may not be read to its end
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

/// A gRPC message over HTTP/1.1, which the port also accepts, so that the test controls each byte.
fn post(collector: &Collector, flag: u8, length: u32, message: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /opentelemetry.proto.collector.trace.v1.TraceService/Export HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
         content-type: application/grpc\r\ngrpc-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        message.len() + 5
    );
    let mut bytes = head.into_bytes();
    bytes.push(flag);
    bytes.extend(length.to_be_bytes());
    bytes.extend(message);
    send(collector, &bytes)
}

#[test]
fn the_receiver_survives_any_bytes() {
    let collector = Collector::start().unwrap();
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(200)
    };
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    proptest!(config, |(flag in 0..3_u8, wrong: Option<u32>, message in bytes)| {
        let length = wrong.unwrap_or(u32::try_from(message.len()).unwrap());
        let answer = post(&collector, flag, length, &message);
        prop_assert!(answer.starts_with(b"HTTP/1.1 200"), "gRPC puts its status into a header");
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let answer = runtime.block_on(async {
        let mut client = TraceServiceClient::connect(collector.grpc_endpoint())
            .await
            .unwrap();
        client.export(request("work")).await
    });
    answer.unwrap();
    assert!(
        collector.traces()[0].span("work").is_some(),
        "it still receives"
    );
}
