//! Who is sent what, and which requests have no span.

use http::HeaderName;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{FutureExt as _, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use otel_core::trust::{HostPolicy, OutgoingPolicy};
use otel_reqwest::{ClientMiddleware, Propagate};
use otel_reqwest::{Predicate, predicate};
use otel_testkit::Recorder;

use crate::server::{Server, values};
use crate::{block_on_in_work, middleware, traceparent};

/// Sends a request that has a trace, baggage and leftovers of both; returns the head that arrived.
fn sent(
    server: &Server,
    recorder: &Recorder,
    middleware: ClientMiddleware,
    propagate: Option<Propagate>,
) -> Vec<String> {
    let client = middleware.build(reqwest::Client::builder()).unwrap();
    let mut request = client
        .get(server.url("/health/live"))
        .header("traceparent", "old")
        .header("baggage", "old=1");
    if let Some(propagate) = propagate {
        request = request.with_extension(propagate);
    }
    let work = async {
        let baggage = Context::current_with_baggage([KeyValue::new("user", "ada")]);
        request.send().with_context(baggage).await
    };
    block_on_in_work(recorder, work).unwrap();
    server.head()
}

#[test]
fn trace_and_baggage_go_where_the_policy_and_the_request_let_them() {
    let here = || HostPolicy::only(["127.0.0.1"]).unwrap();
    let there = || HostPolicy::only(["*.example.com"]).unwrap();
    let all = OutgoingPolicy::default;
    // name, policy of the client, of the request, trace, baggage
    let table = [
        ("by default", all(), None, true, true),
        (
            "here",
            all().trace(here()).baggage(here()),
            None,
            true,
            true,
        ),
        (
            "elsewhere",
            all().trace(there()).baggage(there()),
            None,
            false,
            false,
        ),
        (
            "the trace elsewhere",
            all().trace(there()),
            None,
            false,
            true,
        ),
        (
            "baggage elsewhere",
            all().baggage(there()),
            None,
            true,
            false,
        ),
        ("not this request", all(), Some(Propagate::No), false, false),
        (
            "not this request's baggage",
            all(),
            Some(Propagate::WithoutBaggage),
            true,
            false,
        ),
        (
            "a request cannot ask for more",
            all().trace(there()),
            Some(Propagate::WithoutBaggage),
            false,
            false,
        ),
    ];
    for (name, policy, propagate, trace, baggage) in table {
        let recorder = Recorder::new();
        let server = Server::with_status("200 OK");
        let head = sent(
            &server,
            &recorder,
            middleware(&recorder).outgoing(policy),
            propagate,
        );
        let span = recorder.trace().span("GET").unwrap().clone();
        let expected = trace.then(|| traceparent(&span));
        assert_eq!(
            values(&head, "traceparent"),
            Vec::from_iter(expected),
            "{name}"
        );
        let expected: &[&str] = if baggage { &["user=ada"] } else { &[] };
        assert_eq!(values(&head, "baggage"), expected, "{name}");
    }
}

#[test]
fn a_skipped_request_has_no_span_and_hands_the_context_on() {
    type Predicate = fn(ClientMiddleware) -> ClientMiddleware;
    let table: [(&str, Predicate, bool); 5] = [
        (
            "its path",
            |it| it.skip(predicate::path("/health/live")),
            true,
        ),
        (
            "a prefix",
            |it| it.skip(predicate::path_prefix("/health")),
            true,
        ),
        (
            "its method",
            |it| it.skip(predicate::method(http::Method::GET)),
            true,
        ),
        (
            "a header",
            |it| it.skip(predicate::has_header(HeaderName::from_static("baggage"))),
            true,
        ),
        (
            "another path",
            |it| it.skip(predicate::path("/ready")),
            false,
        ),
    ];
    for (name, skip, skipped) in table {
        let recorder = Recorder::new();
        let server = Server::with_status("200 OK");
        let head = sent(&server, &recorder, skip(middleware(&recorder)), None);
        let trace = recorder.trace();
        let expected = trace.span("GET").or_else(|| trace.span("work")).unwrap();
        assert_eq!(trace.span("GET").is_none(), skipped, "{name}");
        assert_eq!(
            values(&head, "traceparent"),
            [traceparent(expected)],
            "{name}"
        );
        assert_eq!(values(&head, "baggage"), ["user=ada"], "{name}");
    }
}

#[test]
fn skipping_looks_at_host_and_query_too() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let port = server.address.port();
    let middleware = middleware(&recorder).skip(Predicate::new(move |request| {
        let uri = request.uri();
        uri.query() == Some("probe") && uri.port_u16() == Some(port)
    }));
    let client = middleware.build(reqwest::Client::builder()).unwrap();
    let both = async {
        client.get(server.url("/?probe")).send().await.unwrap();
        client.get(server.url("/?other")).send().await.unwrap();
        assert!(Context::current().has_active_span());
    };
    block_on_in_work(&recorder, both);
    assert_eq!(recorder.trace().spans().len(), 2);
}
