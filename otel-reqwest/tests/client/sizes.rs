//! The sizes of bodies: none is invented.

use futures_util::stream;
use opentelemetry::Value;
use otel_reqwest::{ClientMiddleware, EndAt};
use otel_testkit::Recorder;
use reqwest::Body;
use reqwest_middleware::ClientWithMiddleware;

use crate::metrics::Meters;
use crate::server::{Server, empty};
use crate::{block_on, client_with, middleware};

const ANNOUNCED: &str = "content-length: 7\r\nconnection: close\r\n\r\n1234567";
const CHUNKED: &str =
    "transfer-encoding: chunked\r\nconnection: close\r\n\r\n7\r\n1234567\r\n0\r\n\r\n";
const CUT: &str = "content-length: 9\r\nconnection: close\r\n\r\ncut";

/// The sizes of each span, in their order. The metrics have the same.
#[track_caller]
fn sizes(recorder: &Recorder, meters: &Meters) -> Vec<[Option<i64>; 2]> {
    let mut spans = recorder.spans();
    spans.sort_by_key(|span| span.start());
    let size = |span: &otel_testkit::Span, key| match span.attribute(key)? {
        Value::I64(bytes) => Some(*bytes),
        other => panic!("{key} is {other:?}"),
    };
    let keys = ["http.request.body.size", "http.response.body.size"];
    let sizes: Vec<_> = spans
        .iter()
        .map(|span| keys.map(|key| size(span, key)))
        .collect();
    let metrics = [
        "http.client.request.body.size",
        "http.client.response.body.size",
    ];
    for (at, metric) in metrics.into_iter().enumerate() {
        let known: Vec<_> = sizes.iter().filter_map(|sizes| sizes[at]).collect();
        let points = meters.points(metric);
        let count: u64 = points.iter().map(|point| point.1).sum();
        let sum: f64 = points.iter().map(|point| point.2).sum();
        let expected = (known.len() as u64, known.iter().sum::<i64>() as f64);
        assert_eq!((count, sum), expected, "{metric}");
    }
    sizes
}

/// Runs `work` with a client that records sizes, and returns them.
#[track_caller]
fn sizes_of(
    set: impl FnOnce(ClientMiddleware) -> ClientWithMiddleware,
    work: impl AsyncFnOnce(ClientWithMiddleware),
) -> Vec<[Option<i64>; 2]> {
    let (recorder, meters) = (Recorder::new(), Meters::new());
    let middleware = middleware(&recorder).meter_provider(&meters.provider);
    let client = set(middleware.body_sizes().end_at(EndAt::Body));
    block_on(work(client));
    sizes(&recorder, &meters)
}

fn plain(middleware: ClientMiddleware) -> ClientWithMiddleware {
    client_with(reqwest::Client::new(), middleware)
}

#[test]
fn a_response_that_nobody_reads_has_its_content_length_or_no_size() {
    for (rest, expected) in [(ANNOUNCED, Some(7)), (CHUNKED, None)] {
        let server = Server::answering(&format!("HTTP/1.1 200 OK\r\n{rest}"));
        let found = sizes_of(plain, async |client| {
            drop(client.get(server.url("/")).send().await.unwrap());
        });
        assert_eq!(found, [[Some(0), expected]]);
    }
}

#[test]
fn a_response_that_is_read_in_part_has_its_content_length_or_no_size() {
    let begun = "transfer-encoding: chunked\r\n\r\n7\r\n1234567\r\n";
    for (rest, expected) in [(CUT, Some(9)), (begun, None)] {
        let server = Server::stalling(&format!("HTTP/1.1 200 OK\r\n{rest}"));
        let found = sizes_of(plain, async |client| {
            let mut response = client.get(server.url("/")).send().await.unwrap();
            assert!(response.chunk().await.unwrap().is_some());
        });
        assert_eq!(found, [[Some(0), expected]]);
    }
}

#[test]
fn a_response_that_broke_off_does_not_have_the_size_of_its_beginning() {
    let server = Server::answering(&format!("HTTP/1.1 200 OK\r\n{CUT}"));
    let found = sizes_of(plain, async |client| {
        let response = client.get(server.url("/")).send().await.unwrap();
        assert!(response.bytes().await.is_err());
    });
    assert_eq!(found, [[Some(0), Some(9)]]);
}

#[test]
fn a_response_that_is_read_has_the_bytes_that_were_read() {
    for rest in [ANNOUNCED, CHUNKED] {
        let server = Server::answering(&format!("HTTP/1.1 200 OK\r\n{rest}"));
        let found = sizes_of(plain, async |client| {
            let response = client.get(server.url("/")).send().await.unwrap();
            assert_eq!(response.text().await.unwrap(), "1234567");
        });
        assert_eq!(found, [[Some(0), Some(7)]]);
    }
}

#[test]
fn a_redirect_whose_body_nobody_reads_has_its_content_length_or_no_size() {
    for (rest, expected) in [(ANNOUNCED, Some(7)), (CHUNKED, None)] {
        let redirect = format!("HTTP/1.1 302 Found\r\nlocation: /b\r\n{rest}");
        let server = Server::answering_in_turn([redirect, empty("200 OK")]);
        let follow =
            |middleware: ClientMiddleware| middleware.build(reqwest::Client::builder()).unwrap();
        let found = sizes_of(follow, async |client| {
            let response = client.get(server.url("/a")).send().await.unwrap();
            assert_eq!(response.url().path(), "/b");
            response.bytes().await.unwrap();
        });
        assert_eq!(found, [[Some(0), expected], [Some(0), Some(0)]]);
    }
}

#[test]
fn the_answer_to_a_head_request_has_the_size_zero() {
    for end_at in [EndAt::Headers, EndAt::Body] {
        let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n");
        let head = |middleware: ClientMiddleware| plain(middleware.end_at(end_at));
        let found = sizes_of(head, async |client| {
            client.head(server.url("/")).send().await.unwrap();
        });
        assert_eq!(found, [[Some(0), Some(0)]]);
    }
}

#[test]
fn a_request_without_a_response_has_no_response_size() {
    let server = Server::hanging_up();
    let found = sizes_of(plain, async |client| {
        let request = client.post(server.url("/")).body("four");
        request.send().await.unwrap_err();
    });
    assert_eq!(found, [[Some(4), None]]);
}

#[test]
fn a_stream_that_was_not_sent_to_its_end_has_its_content_length_or_no_size() {
    for (header, expected) in [(None, None), (Some(9), Some(9))] {
        let server = Server::answering(&empty("413 Payload Too Large"));
        let found = sizes_of(plain, async |client| {
            let first = stream::iter([Ok::<_, std::io::Error>("ab")]);
            let endless = futures_util::StreamExt::chain(first, stream::pending());
            let mut request = client.post(server.url("/"));
            if let Some(length) = header {
                request = request.header("content-length", length);
            }
            request
                .body(Body::wrap_stream(endless))
                .send()
                .await
                .unwrap();
        });
        assert_eq!(found, [[expected, Some(0)]]);
    }
}
