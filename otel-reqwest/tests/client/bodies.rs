//! Spans that end with the response's body.

use std::time::Duration;

use otel_reqwest::EndAt;
use otel_testkit::Recorder;
use reqwest_middleware::ClientWithMiddleware;

use crate::server::Server;
use crate::{assert_ended, block_on_in_work, client_with, middleware, only_attempt, traceparent};

const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nwhole";
const CUT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\ncut";

fn client(recorder: &Recorder, inner: reqwest::ClientBuilder) -> ClientWithMiddleware {
    let middleware = middleware(recorder).end_at(EndAt::Body);
    client_with(inner.build().unwrap(), middleware)
}

#[test]
fn the_span_ends_when_the_body_is_read() {
    let recorder = Recorder::new();
    let server = Server::answering(WHOLE);
    block_on_in_work(&recorder, async {
        let client = client(&recorder, reqwest::Client::builder());
        let mut response = client.get(server.url("/a")).send().await.unwrap();
        // What the application sees of a response is as it was.
        assert_eq!(response.url().as_str(), server.url("/a"));
        assert_eq!(response.content_length(), Some(5));
        assert_eq!(response.remote_addr(), Some(server.address));
        assert_eq!(recorder.spans().len(), 0);
        while let Some(data) = response.chunk().await.unwrap() {
            assert!(b"whole".ends_with(&data));
        }
    });
    assert_ended(&only_attempt(&recorder), Some(200), None);
}

#[test]
fn a_connection_that_closes_midway_is_an_error() {
    let recorder = Recorder::new();
    let server = Server::answering(CUT);
    block_on_in_work(&recorder, async {
        let client = client(&recorder, reqwest::Client::builder());
        let response = client.get(server.url("/")).send().await.unwrap();
        let error = response.bytes().await.unwrap_err();
        assert!(error.is_decode(), "{error:?}");
    });
    let span = only_attempt(&recorder);
    assert_ended(&span, Some(200), Some("body"));
    assert_eq!(server.header("traceparent"), [traceparent(&span)]);
}

#[test]
fn a_status_code_that_is_an_error_says_more_than_its_body() {
    let recorder = Recorder::new();
    let server = Server::answering(&CUT.replace("200 OK", "503 Service Unavailable"));
    block_on_in_work(&recorder, async {
        let client = client(&recorder, reqwest::Client::builder());
        let response = client.get(server.url("/")).send().await.unwrap();
        response.bytes().await.unwrap_err();
    });
    assert_ended(&only_attempt(&recorder), Some(503), Some("503"));
}

#[test]
fn by_default_what_happens_after_the_head_is_not_the_spans() {
    let recorder = Recorder::new();
    let server = Server::answering(CUT);
    block_on_in_work(&recorder, async {
        let client = crate::client(&recorder);
        let response = client.get(server.url("/")).send().await.unwrap();
        assert_eq!(recorder.spans().len(), 1);
        response.bytes().await.unwrap_err();
    });
    assert_ended(&only_attempt(&recorder), Some(200), None);
}

#[test]
fn a_time_limit_while_reading_is_an_error() {
    let recorder = Recorder::new();
    let server = Server::stalling(CUT);
    let limit = Duration::from_millis(50);
    block_on_in_work(&recorder, async {
        let inner = reqwest::Client::builder().read_timeout(limit);
        let client = client(&recorder, inner);
        let response = client.get(server.url("/")).send().await.unwrap();
        let error = response.bytes().await.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
    });
    let span = &only_attempt(&recorder);
    assert_ended(span, Some(200), Some("timeout"));
    assert!(span.duration() >= limit, "{:?}", span.duration());
}

#[test]
fn a_body_that_the_application_drops_ends_the_span_without_an_error() {
    let recorder = Recorder::new();
    let server = Server::stalling(CUT);
    block_on_in_work(&recorder, async {
        let client = client(&recorder, reqwest::Client::builder());
        let mut response = client.get(server.url("/")).send().await.unwrap();
        assert_eq!(response.chunk().await.unwrap().unwrap(), "cut");
        assert_eq!(recorder.spans().len(), 0);
    });
    assert_ended(&only_attempt(&recorder), Some(200), None);
}

#[test]
fn a_response_without_a_body_ends_at_its_head() {
    for (method, answer) in [
        ("HEAD", WHOLE),
        (
            "GET",
            "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
        ),
    ] {
        let recorder = Recorder::new();
        let server = Server::answering(answer);
        block_on_in_work(&recorder, async {
            let client = client(&recorder, reqwest::Client::builder());
            let request = client.request(method.parse().unwrap(), server.url("/"));
            let _response = request.send().await.unwrap();
            assert_eq!(recorder.spans().len(), 1, "{method}");
        });
    }
}
