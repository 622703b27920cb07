//! How an attempt ends.

use std::net::TcpListener;
use std::time::Duration;

use opentelemetry::Value;
use opentelemetry::trace::Status;
use otel_testkit::{Recorder, Span};

use crate::server::Server;
use crate::{block_on, client, client_of};

#[track_caller]
fn assert_ended(span: &Span, status: Option<i64>, error_type: Option<&'static str>) {
    let code = span.attribute("http.response.status_code");
    assert_eq!(code, status.map(Value::I64).as_ref(), "{span:?}");
    let error = error_type.map(Value::from);
    assert_eq!(span.attribute("error.type"), error.as_ref(), "{span:?}");
    let marked = error_type.map_or(Status::Unset, |_| Status::error(""));
    assert_eq!(span.status(), &marked, "{span:?}");
}

#[test]
fn status_codes_from_400_on_are_errors() {
    let table = [
        ("200 OK", 200, None),
        ("304 Not Modified", 304, None),
        ("404 Not Found", 404, Some("404")),
        ("503 Service Unavailable", 503, Some("503")),
    ];
    for (line, status, error_type) in table {
        let recorder = Recorder::new();
        let server = Server::with_status(line);
        block_on(client(&recorder).get(server.url("/")).send()).unwrap();
        assert_ended(&recorder.trace().spans()[0], Some(status), error_type);
    }
}

#[test]
fn a_refused_connection_is_an_error_without_the_url() {
    let recorder = Recorder::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/secret-path", listener.local_addr().unwrap());
    drop(listener);
    block_on(client(&recorder).get(&url).send()).unwrap_err();
    let span = &recorder.trace().spans()[0].clone();
    assert_ended(span, None, Some("connect"));
    assert!(span.events().is_empty(), "{span:?}");
}

#[test]
fn a_time_limit_is_an_error_and_measured() {
    let recorder = Recorder::new();
    let server = Server::silent();
    let limit = Duration::from_millis(50);
    let inner = reqwest::Client::builder().timeout(limit).build().unwrap();
    block_on(client_of(inner, &recorder).get(server.url("/")).send()).unwrap_err();
    let span = &recorder.trace().spans()[0].clone();
    assert_ended(span, None, Some("timeout"));
    assert!(span.duration() >= limit, "{:?}", span.duration());
}

#[test]
fn an_answer_that_is_no_http_is_an_error() {
    let recorder = Recorder::new();
    let server = Server::answering("what?\r\n\r\n");
    block_on(client(&recorder).get(server.url("/")).send()).unwrap_err();
    assert_ended(&recorder.trace().spans()[0], None, Some("request"));
}

#[test]
fn too_many_redirects_are_an_error() {
    let recorder = Recorder::new();
    let server = Server::answering(
        "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    );
    block_on(client(&recorder).get(server.url("/")).send()).unwrap_err();
    assert_ended(&recorder.trace().spans()[0], None, Some("redirect"));
}

#[test]
fn a_request_that_the_caller_drops_has_ended_and_is_no_error() {
    let recorder = Recorder::new();
    let server = Server::silent();
    let client = client(&recorder);
    block_on(async {
        let request = client.get(server.url("/")).send();
        tokio::select! {
            biased;
            _ = request => panic!("the server is silent"),
            () = asked(&server) => {}
        }
    });
    assert_ended(&recorder.trace().spans()[0], None, None);
}

/// Completes when the server has read a request.
async fn asked(server: &Server) {
    while server.try_head().is_none() {
        tokio::task::yield_now().await;
    }
}
