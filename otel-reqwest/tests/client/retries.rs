//! Attempts of one request, made by reqwest-retry on either side.

use std::net::TcpListener;
use std::pin::Pin;
use std::time::Duration;

use http::Extensions;
use opentelemetry::Value;
use otel_testkit::{Recorder, Span};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Next, Result};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;

use crate::server::{Server, empty};
use crate::{assert_ended, attempts, block_on_in_work, middleware, traceparent};

pub(crate) fn retries() -> RetryTransientMiddleware<ExponentialBackoff> {
    let short = Duration::from_millis(1);
    let policy = ExponentialBackoff::builder().retry_bounds(short, short);
    RetryTransientMiddleware::new_with_policy(policy.build_with_max_retries(2))
}

/// As the docs say: what resends stands before.
fn retrying(recorder: &Recorder) -> ClientWithMiddleware {
    ClientBuilder::new(reqwest::Client::new())
        .with(retries())
        .with(middleware(recorder))
        .build()
}

fn tracing_the_whole(recorder: &Recorder) -> ClientWithMiddleware {
    ClientBuilder::new(reqwest::Client::new())
        .with(middleware(recorder))
        .with(retries())
        .build()
}

pub(crate) fn flaky() -> Server {
    let busy = empty("503 Service Unavailable");
    Server::answering_in_turn([busy.clone(), busy, empty("200 OK")])
}

fn resend_count(span: &Span) -> Option<&Value> {
    span.attribute("http.request.resend_count")
}

#[test]
fn each_attempt_is_a_sibling_that_says_how_often_it_was_sent_before() {
    let recorder = Recorder::new();
    let server = flaky();
    let request = retrying(&recorder).get(server.url("/")).send();
    assert_eq!(block_on_in_work(&recorder, request).unwrap().status(), 200);
    let trace = recorder.trace();
    let attempts = attempts(&trace);
    let counts: Vec<_> = attempts.iter().map(|span| resend_count(span)).collect();
    assert_eq!(counts, [None, Some(&Value::I64(1)), Some(&Value::I64(2))]);
    assert_ended(attempts[0], Some(503), Some("503"));
    assert_ended(attempts[1], Some(503), Some("503"));
    assert_ended(attempts[2], Some(200), None);
    for span in attempts {
        assert_eq!(server.header("traceparent"), [traceparent(span)]);
    }
}

#[test]
fn attempts_without_an_answer_count_too() {
    let recorder = Recorder::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let request = retrying(&recorder).get(url).send();
    block_on_in_work(&recorder, request).unwrap_err();
    let trace = recorder.trace();
    let attempts = attempts(&trace);
    let counts: Vec<_> = attempts.iter().map(|span| resend_count(span)).collect();
    assert_eq!(counts, [None, Some(&Value::I64(1)), Some(&Value::I64(2))]);
    for span in attempts {
        assert_ended(span, None, Some("connect"));
    }
}

#[test]
fn attempts_that_were_given_up_count_too() {
    type Sent<'a> = Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>>;
    fn twice<'a>(request: Request, extensions: &'a mut Extensions, next: Next<'a>) -> Sent<'a> {
        Box::pin(async move {
            let again = request.try_clone().unwrap();
            let limit = Duration::from_millis(20);
            let first = next.clone().run(request, extensions);
            assert!(tokio::time::timeout(limit, first).await.is_err());
            tokio::time::timeout(limit, next.run(again, extensions))
                .await
                .map_err(Error::middleware)?
        })
    }
    let recorder = Recorder::new();
    let server = Server::silent();
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(twice)
        .with(middleware(&recorder))
        .build();
    block_on_in_work(&recorder, client.get(server.url("/")).send()).unwrap_err();
    let trace = recorder.trace();
    let attempts = attempts(&trace);
    let counts: Vec<_> = attempts.iter().map(|span| resend_count(span)).collect();
    assert_eq!(counts, [None, Some(&Value::I64(1))]);
    for span in attempts {
        assert_ended(span, None, None);
    }
}

#[test]
fn a_request_that_is_sent_again_by_the_application_starts_anew() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let client = retrying(&recorder);
    let both = async {
        client.get(server.url("/")).send().await.unwrap();
        client.get(server.url("/")).send().await.unwrap();
    };
    block_on_in_work(&recorder, both);
    let trace = recorder.trace();
    assert!(
        attempts(&trace)
            .into_iter()
            .all(|span| resend_count(span).is_none())
    );
}

/// No middleware sees what those further in do, so the order is part of the docs.
#[test]
fn before_what_resends_the_whole_is_one_span() {
    let recorder = Recorder::new();
    let server = flaky();
    let request = tracing_the_whole(&recorder).get(server.url("/")).send();
    block_on_in_work(&recorder, request).unwrap();
    let trace = recorder.trace();
    let [whole] = attempts(&trace)[..] else {
        panic!("{trace}")
    };
    assert_ended(whole, Some(200), None);
    assert_eq!(resend_count(whole), None);
    for _ in 0..3 {
        assert_eq!(server.header("traceparent"), [traceparent(whole)]);
    }
}

#[test]
fn before_what_resends_the_error_is_the_last_attempts() {
    let recorder = Recorder::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let request = tracing_the_whole(&recorder).get(url).send();
    block_on_in_work(&recorder, request).unwrap_err();
    let trace = recorder.trace();
    let [whole] = attempts(&trace)[..] else {
        panic!("{trace}")
    };
    assert_ended(whole, None, Some("connect"));
}
