//! What the application says of its requests.

use std::sync::{Arc, Mutex};

use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{Context, Value};
use otel_reqwest::{ClientMiddleware, End};
use otel_testkit::{Recorder, Span};

use crate::server::Server;
use crate::{assert_ended, block_on, client_with, middleware};

fn only_span(recorder: &Recorder) -> Span {
    recorder.trace().spans()[0].clone()
}

#[test]
fn hooks_see_heads_and_add_attributes_and_a_name() {
    let recorder = Recorder::new();
    let server = Server::answering(
        "HTTP/1.1 200 OK\r\nx-shard: 7\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    );
    let middleware = middleware(&recorder)
        .on_request(|request, span| {
            assert!(span.is_recording());
            assert_eq!(request.uri().query(), Some("tenant=blue"));
            let tier = request
                .extensions()
                .get::<&str>()
                .copied()
                .unwrap_or_default();
            span.set_attribute("tier", tier);
            span.set_name("GET tenant");
        })
        .on_response(|request, response, span| {
            assert_eq!(request.uri().query(), Some("tenant=blue"));
            assert!(request.extensions().get::<&str>().is_some());
            let shard = response.headers()["x-shard"].to_str().unwrap_or_default();
            span.set_attribute("shard", shard.to_owned());
        });
    let request = client_with(reqwest::Client::new(), middleware).get(server.url("/?tenant=blue"));
    block_on(request.with_extension("gold").send()).unwrap();
    let span = only_span(&recorder);
    assert_eq!(span.name(), "GET tenant");
    assert_eq!(span.attribute("tier"), Some(&Value::from("gold")));
    assert_eq!(span.attribute("shard"), Some(&Value::from("7")));
    assert_ended(&span, Some(200), None);
}

#[test]
fn a_hook_decides_what_is_an_error() {
    let table = [
        ("404 Not Found", 404, None),
        ("503 Service Unavailable", 503, Some("503")),
        ("200 OK", 200, Some("stale")),
    ];
    for (line, status, error_type) in table {
        let recorder = Recorder::new();
        let server = Server::with_status(line);
        let middleware = middleware(&recorder).on_response(|_, response, span| {
            match response.status().as_u16() {
                404 => span.clear_error(),
                200 => span.set_error("stale"),
                _ => {}
            }
        });
        let client = client_with(reqwest::Client::new(), middleware);
        block_on(client.get(server.url("/")).send()).unwrap();
        assert_ended(&only_span(&recorder), Some(status), error_type);
    }
}

#[test]
fn a_hook_that_panics_does_not_break_the_request() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let middleware = middleware(&recorder)
        .skip(otel_reqwest::Predicate::new(|_| panic!("on purpose")))
        .on_request(|_, _| panic!("on purpose"))
        .on_response(|_, _, _| panic!("on purpose"));
    let client = client_with(reqwest::Client::new(), middleware);
    let response = block_on(client.get(server.url("/")).send()).unwrap();
    assert_eq!(response.status(), 200);
    assert_ended(&only_span(&recorder), Some(200), None);
}

#[test]
fn a_hook_that_sees_the_request_alone_may_call_it_an_error() {
    let recorder = Recorder::new();
    let server = Server::answering(&crate::server::empty("200 OK"));
    let middleware = middleware(&recorder).on_request(|_, span| span.set_error("no_budget"));
    let request = client_with(reqwest::Client::new(), middleware).get(server.url("/"));
    block_on(request.send()).unwrap();
    assert_ended(&only_span(&recorder), Some(200), Some("no_budget"));
}

#[test]
fn all_hooks_run_inside_the_context_of_the_attempt() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let [request, response, end] = [(); 3].map(|()| {
        let seen = Arc::clone(&seen);
        move || {
            let id = Context::current().span().span_context().span_id();
            seen.lock().unwrap().push(id);
        }
    });
    let middleware = middleware(&recorder)
        .on_request(move |_, _| request())
        .on_response(move |_, _, _| response())
        .on_end(move |_, outcome, _| {
            assert_eq!((outcome.end(), outcome.error_type()), (End::Complete, None));
            end();
        });
    let client = client_with(reqwest::Client::new(), middleware);
    block_on(client.get(server.url("/")).send()).unwrap();
    let id = only_span(&recorder).span_id();
    assert_eq!(*seen.lock().unwrap(), [id, id, id]);
}

#[test]
fn hooks_never_change_the_parent_of_an_attempt_without_a_span() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let middleware = ClientMiddleware::new()
        .on_request(|_, span| span.set_name("x"))
        .on_response(|_, _, span| span.set_attribute("x", 1))
        .on_end(|_, _, span| span.set_error("x"));
    let client = client_with(reqwest::Client::new(), middleware);
    crate::block_on_in_work(&recorder, client.get(server.url("/")).send()).unwrap();
    let span = only_span(&recorder);
    assert_eq!((span.name(), span.status()), ("work", &Status::Unset));
    assert_eq!(span.attribute("x"), None);
}
