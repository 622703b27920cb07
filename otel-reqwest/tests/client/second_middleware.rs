//! Two of the middleware around one client.

use http::HeaderValue;
use opentelemetry::Value;
use otel_reqwest::trust::{HostPolicy, OutgoingPolicy};
use otel_reqwest::{Redirects, TooManyRedirects, predicate};
use otel_testkit::Recorder;
use reqwest::redirect::Policy;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error};

use crate::retries::{flaky, retries};
use crate::server::{Server, empty, redirect};
use crate::{attempts, block_on_in_work, client, middleware, only_attempt, traceparent};

/// A client that is traced already, which is wrapped again.
fn wrapped_twice(recorder: &Recorder) -> ClientWithMiddleware {
    ClientBuilder::from_client(client(recorder))
        .with(middleware(recorder).user_agent(HeaderValue::from_static("shop/1")))
        .build()
}

#[test]
fn a_client_that_is_wrapped_twice_makes_one_span_and_sends_its_id() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let request = wrapped_twice(&recorder).get(server.url("/")).send();
    block_on_in_work(&recorder, request).unwrap();
    let head = server.head();
    let sent = crate::server::values(&head, "traceparent");
    assert_eq!(sent, [traceparent(&only_attempt(&recorder))]);
    assert_eq!(crate::server::values(&head, "user-agent"), ["shop/1"]);
}

#[test]
fn a_host_that_one_of_two_middlewares_excludes_receives_nothing() {
    let none = || OutgoingPolicy::default().trace(HostPolicy::none());
    for (outer, inner) in [
        (OutgoingPolicy::default(), none()),
        (none(), OutgoingPolicy::default()),
    ] {
        for redirects in [Redirects::ByClient, Redirects::No, Redirects::Follow(1)] {
            let recorder = Recorder::new();
            let server = Server::with_status("200 OK");
            let without_redirects = reqwest::Client::builder().redirect(Policy::none());
            let client = ClientBuilder::new(without_redirects.build().unwrap())
                .with(middleware(&recorder).outgoing(outer.clone()))
                .with(
                    middleware(&recorder)
                        .outgoing(inner.clone())
                        .redirects(redirects),
                )
                .build();
            block_on_in_work(&recorder, client.get(server.url("/")).send()).unwrap();
            let sent = crate::server::values(&server.head(), "traceparent");
            assert!(sent.is_empty(), "{redirects:?}: {sent:?}");
        }
    }
}

#[test]
fn a_middleware_inside_one_that_skips_the_request_traces_it() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(middleware(&recorder).skip(predicate::path("/")))
        .with(middleware(&recorder))
        .build();
    block_on_in_work(&recorder, client.get(server.url("/")).send()).unwrap();
    let sent = [traceparent(&only_attempt(&recorder))];
    assert_eq!(server.header("traceparent"), sent);
}

#[test]
fn a_retry_between_two_middlewares_is_one_span() {
    let recorder = Recorder::new();
    let server = flaky();
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(middleware(&recorder))
        .with(retries())
        .with(middleware(&recorder))
        .build();
    let response = block_on_in_work(&recorder, client.get(server.url("/")).send());
    assert_eq!(response.unwrap().status(), 200);
    let sent = [traceparent(&only_attempt(&recorder))];
    for _ in 0..3 {
        assert_eq!(server.header("traceparent"), sent);
    }
}

#[test]
fn a_retry_outside_two_middlewares_is_one_span_for_each_attempt() {
    let recorder = Recorder::new();
    let server = flaky();
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(retries())
        .with(middleware(&recorder))
        .with(middleware(&recorder))
        .build();
    block_on_in_work(&recorder, client.get(server.url("/")).send()).unwrap();
    let trace = recorder.trace();
    let attempts = attempts(&trace);
    let counts: Vec<_> = attempts
        .iter()
        .map(|span| span.attribute("http.request.resend_count").cloned())
        .collect();
    assert_eq!(counts, [None, Some(Value::I64(1)), Some(Value::I64(2))]);
    for span in attempts {
        assert_eq!(server.header("traceparent"), [traceparent(span)]);
    }
}

/// The client does not follow redirects, so the application would see a redirect if the inner middleware did not follow it.
#[test]
fn an_inner_middleware_still_follows_redirects() {
    let recorder = Recorder::new();
    let server = Server::answering_in_turn([redirect("302 Found", "/b"), empty("200 OK")]);
    let following = |limit| {
        let client = reqwest::Client::builder().redirect(Policy::none());
        ClientBuilder::new(client.build().unwrap())
            .with(middleware(&recorder))
            .with(middleware(&recorder).redirects(Redirects::Follow(limit)))
            .build()
    };
    let request = following(1).get(server.url("/a")).send();
    let response = block_on_in_work(&recorder, request).unwrap();
    assert_eq!(response.url().as_str(), server.url("/b"));
    let sent = [traceparent(&only_attempt(&recorder))];
    for _ in 0..2 {
        assert_eq!(server.header("traceparent"), sent);
    }
    let server = Server::answering_in_turn([redirect("302 Found", "/b")]);
    let request = following(0).get(server.url("/a")).send();
    match block_on_in_work(&recorder, request).unwrap_err() {
        Error::Middleware(error) => assert!(error.is::<TooManyRedirects>(), "{error:?}"),
        error @ Error::Reqwest(_) => panic!("{error:?}"),
    }
}
