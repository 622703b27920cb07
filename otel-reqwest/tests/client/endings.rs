//! How an attempt ends.

use std::fmt;
use std::net::TcpListener;
use std::pin::Pin;
use std::time::Duration;

use http::Extensions;
use otel_testkit::Recorder;
use reqwest::{Body, Request, Response};
use reqwest_middleware::{ClientBuilder, Error, Next};

use crate::server::Server;
use crate::{
    assert_ended, block_on_in_work, client, client_of, client_with, middleware, only_attempt,
    traceparent,
};

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
        block_on_in_work(&recorder, client(&recorder).get(server.url("/")).send()).unwrap();
        let span = only_attempt(&recorder);
        assert_ended(&span, Some(status), error_type);
        assert_eq!(server.header("traceparent"), [traceparent(&span)]);
    }
}

#[test]
fn a_refused_connection_is_an_error_without_the_url() {
    let recorder = Recorder::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/secret-path", listener.local_addr().unwrap());
    drop(listener);
    block_on_in_work(&recorder, client(&recorder).get(&url).send()).unwrap_err();
    let span = &only_attempt(&recorder);
    assert_ended(span, None, Some("connect"));
}

#[test]
fn a_time_limit_is_an_error_and_measured() {
    let recorder = Recorder::new();
    let server = Server::silent();
    let limit = Duration::from_millis(50);
    let inner = reqwest::Client::builder().timeout(limit).build().unwrap();
    block_on_in_work(
        &recorder,
        client_of(inner, &recorder).get(server.url("/")).send(),
    )
    .unwrap_err();
    let span = &only_attempt(&recorder);
    assert_ended(span, None, Some("timeout"));
    assert_eq!(server.header("traceparent"), [traceparent(span)]);
    assert!(span.duration() >= limit, "{:?}", span.duration());
}

#[test]
fn a_host_without_an_address_is_an_error_of_its_own() {
    let recorder = Recorder::new();
    // RFC 6761: names below `invalid` never resolve.
    block_on_in_work(
        &recorder,
        client(&recorder).get("http://nowhere.invalid/").send(),
    )
    .unwrap_err();
    assert_ended(&only_attempt(&recorder), None, Some("dns"));
}

#[test]
fn a_connection_closed_without_an_answer_is_an_error() {
    let recorder = Recorder::new();
    let server = Server::answering("");
    block_on_in_work(&recorder, client(&recorder).get(server.url("/")).send()).unwrap_err();
    assert_ended(&only_attempt(&recorder), None, Some("request"));
}

#[test]
fn a_request_body_that_fails_is_an_error() {
    let recorder = Recorder::new();
    let server = Server::silent();
    let broken = futures_util::stream::iter([Err::<&str, _>(std::io::Error::other("on purpose"))]);
    let request = client(&recorder).post(server.url("/"));
    let request = request.body(Body::wrap_stream(broken));
    block_on_in_work(&recorder, request.send()).unwrap_err();
    assert_ended(&only_attempt(&recorder), None, Some("body"));
}

#[test]
fn a_scheme_that_cannot_be_sent_is_an_error() {
    let recorder = Recorder::new();
    block_on_in_work(&recorder, client(&recorder).get("ftp://127.0.0.1/").send()).unwrap_err();
    assert_ended(&only_attempt(&recorder), None, Some("builder"));
}

#[test]
fn an_answer_that_is_no_http_is_an_error() {
    let recorder = Recorder::new();
    let server = Server::answering("what?\r\n\r\n");
    block_on_in_work(&recorder, client(&recorder).get(server.url("/")).send()).unwrap_err();
    assert_ended(&only_attempt(&recorder), None, Some("request"));
}

#[test]
fn too_many_redirects_are_an_error() {
    let recorder = Recorder::new();
    let server = Server::answering(
        "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    );
    block_on_in_work(&recorder, client(&recorder).get(server.url("/")).send()).unwrap_err();
    assert_ended(&only_attempt(&recorder), None, Some("redirect"));
}

#[test]
fn a_request_that_the_caller_drops_has_ended_and_is_no_error() {
    let recorder = Recorder::new();
    let server = Server::silent();
    let client = client(&recorder);
    block_on_in_work(&recorder, async {
        let request = client.get(server.url("/")).send();
        tokio::select! {
            biased;
            _ = request => panic!("the server is silent"),
            () = asked(&server) => {}
        }
    });
    assert_ended(&only_attempt(&recorder), None, None);
}

/// Completes when the server has read a request.
pub(crate) async fn asked(server: &Server) {
    while server.try_head().is_none() {
        tokio::task::yield_now().await;
    }
}

#[derive(Debug)]
enum QuotaError {
    Spent,
}

impl fmt::Display for QuotaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hunter2")
    }
}

impl std::error::Error for QuotaError {}

/// A middleware that sends nothing.
fn spent<'a>(
    _: Request,
    _: &'a mut Extensions,
    _: Next<'a>,
) -> Pin<Box<dyn Future<Output = Result<Response, Error>> + Send + 'a>> {
    Box::pin(async { Err(Error::middleware(QuotaError::Spent)) })
}

#[test]
fn an_application_names_the_errors_of_its_middlewares_and_of_reqwest() {
    let named = |error: &QuotaError| match error {
        QuotaError::Spent => "quota_spent",
    };
    for (is_named, expected) in [(true, "quota_spent"), (false, "middleware")] {
        let recorder = Recorder::new();
        let mut traced = middleware(&recorder);
        if is_named {
            traced = traced.error_type(named);
        }
        let client = ClientBuilder::new(reqwest::Client::new());
        let client = client.with(traced).with(spent).build();
        let sending = client.get("http://127.0.0.1/").send();
        block_on_in_work(&recorder, sending).unwrap_err();
        assert_ended(&only_attempt(&recorder), None, Some(expected));
    }
    let recorder = Recorder::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let traced = middleware(&recorder)
        .error_type(|error: &reqwest::Error| error.is_connect().then_some("no_route"));
    let client = client_with(reqwest::Client::new(), traced);
    block_on_in_work(&recorder, client.get(url).send()).unwrap_err();
    assert_ended(&only_attempt(&recorder), None, Some("no_route"));
}
