//! Host policies with a propagator that writes the baggage under names of its own.

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::FutureExt as _;
use opentelemetry::{Context, KeyValue};
use otel_core::trust::{HostPolicy, OutgoingPolicy};
use otel_reqwest::{ClientMiddleware, Propagate, Redirects};
use otel_testkit::Recorder;
use reqwest::redirect::Policy;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

use crate::jaeger::Jaeger;
use crate::server::{Server, empty, redirect, values};
use crate::{block_on_in_work, middleware};

fn jaeger(recorder: &Recorder, policy: OutgoingPolicy) -> ClientMiddleware {
    middleware(recorder)
        .propagator(Jaeger::new())
        .outgoing(policy)
}

fn ours() -> HostPolicy {
    HostPolicy::only(["127.0.0.1"]).unwrap()
}

/// Sends a request with baggage; the client may not follow redirects.
fn send(
    recorder: &Recorder,
    client: &ClientWithMiddleware,
    server: &Server,
    propagate: Option<Propagate>,
) {
    let mut request = client.get(server.url("/a"));
    if let Some(propagate) = propagate {
        request = request.with_extension(propagate);
    }
    let work = async {
        let baggage = Context::current_with_baggage([KeyValue::new("user", "ada")]);
        request.send().with_context(baggage).await
    };
    block_on_in_work(recorder, work).unwrap();
}

/// Whether the next request has the trace and the baggage.
fn received(server: &Server) -> (bool, bool) {
    let head = server.head();
    let has = |name: &str| !values(&head, name).is_empty();
    (has("uber-trace-id"), has("uberctx-user"))
}

#[test]
fn no_baggage_to_anyone_holds_for_headers_of_any_name() {
    let (all, none) = (OutgoingPolicy::default, HostPolicy::none);
    // name, policy, the request's own, what is received
    let table = [
        ("the default", all(), None, (true, true)),
        ("no baggage", all().baggage(none()), None, (true, false)),
        ("no trace", all().trace(none()), None, (false, true)),
        (
            "its own: no baggage",
            all(),
            Some(Propagate::WithoutBaggage),
            (true, false),
        ),
        (
            "its own: nothing",
            all(),
            Some(Propagate::No),
            (false, false),
        ),
    ];
    for (name, policy, own, expected) in table {
        let recorder = Recorder::new();
        let server = Server::with_status("200 OK");
        let client = jaeger(&recorder, policy).build(reqwest::Client::builder());
        send(&recorder, &client.unwrap(), &server, own);
        assert_eq!(received(&server), expected, "{name}");
    }
}

#[test]
fn baggage_of_any_name_does_not_follow_a_redirect_to_an_excluded_host() {
    let policies = [
        (OutgoingPolicy::default().baggage(ours()), (true, false)),
        (OutgoingPolicy::default().trace(ours()), (false, true)),
        (
            OutgoingPolicy::default().trace(ours()).baggage(ours()),
            (false, false),
        ),
    ];
    for (policy, elsewhere) in policies {
        // The redirects are followed by the only middleware, or by the inner of two.
        for is_inner in [false, true] {
            let recorder = Recorder::new();
            let server = Server::with_status("200 OK");
            let port = server.address.port();
            let location = format!("http://localhost:{port}/b");
            let first =
                Server::answering_in_turn([redirect("302 Found", &location), empty("200 OK")]);
            let following = jaeger(&recorder, policy.clone()).redirects(Redirects::Follow(2));
            let client = reqwest::Client::builder().redirect(Policy::none()).build();
            let mut builder = ClientBuilder::new(client.unwrap());
            if is_inner {
                builder = builder.with(jaeger(&recorder, OutgoingPolicy::default()));
            }
            send(&recorder, &builder.with(following).build(), &first, None);
            assert_eq!(received(&first), (true, true), "{policy:?}");
            assert_eq!(received(&server), elsewhere, "{policy:?} {is_inner}");
        }
    }
}

#[test]
fn a_client_that_follows_by_itself_sends_no_baggage_of_any_name() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(jaeger(&recorder, OutgoingPolicy::default()))
        .with(jaeger(&recorder, OutgoingPolicy::default().baggage(ours())))
        .build();
    send(&recorder, &client, &server, None);
    assert_eq!(received(&server), (false, false));
}
