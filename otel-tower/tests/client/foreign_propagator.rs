//! Host policies with a propagator that writes the baggage under names of its own.

use http::HeaderMap;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::FutureExt as _;
use opentelemetry::{Context, KeyValue};
use otel_testkit::Recorder;
use otel_tower::trust::{HostPolicy, OutgoingPolicy};
use otel_tower::{ClientLayer, Propagate};
use tower::{ServiceBuilder, ServiceExt as _};

use crate::harness::{client, get, in_work, layer, only_call, serve};
use crate::jaeger::Jaeger;

/// Sends a request that has baggage of its caller in its headers; returns the head that arrived.
fn sent(outer: Option<OutgoingPolicy>, inner: OutgoingPolicy, own: Option<Propagate>) -> HeaderMap {
    let recorder = Recorder::new();
    let with = |policy: OutgoingPolicy| -> ClientLayer {
        layer(&recorder).propagator(Jaeger::new()).outgoing(policy)
    };
    let seen = in_work(&recorder, async {
        let (address, seen) = serve().await;
        let mut request = get(address, "/");
        if outer.is_none() {
            let headers = request.headers_mut();
            headers.insert("uberctx-session", "secret".parse().unwrap());
        }
        if let Some(own) = own {
            request.extensions_mut().insert(own);
        }
        let baggage = Context::current_with_baggage([KeyValue::new("user", "ada")]);
        let inner = ServiceBuilder::new().layer(with(inner)).service(client());
        match outer {
            Some(outer) => {
                let both = ServiceBuilder::new().layer(with(outer)).service(inner);
                both.oneshot(request).with_context(baggage).await.unwrap();
            }
            None => drop(inner.oneshot(request).with_context(baggage).await.unwrap()),
        }
        seen
    });
    only_call(&recorder);
    seen.heads().remove(0)
}

fn assert_sent(head: &HeaderMap, trace: bool, baggage: bool, name: &str) {
    assert_eq!(
        head.contains_key("uber-trace-id"),
        trace,
        "{name}: {head:?}"
    );
    assert_eq!(
        head.contains_key("uberctx-user"),
        baggage,
        "{name}: {head:?}"
    );
    if !trace || !baggage {
        assert!(!head.contains_key("uberctx-session"), "{name}: {head:?}");
    }
}

#[test]
fn no_baggage_to_anyone_holds_for_headers_of_any_name() {
    let (all, none) = (OutgoingPolicy::default, HostPolicy::none);
    // name, policy, the request's own, trace, baggage
    let table = [
        ("the default", all(), None, true, true),
        ("no baggage", all().baggage(none()), None, true, false),
        ("no trace", all().trace(none()), None, false, true),
        (
            "nothing",
            all().trace(none()).baggage(none()),
            None,
            false,
            false,
        ),
        (
            "its own: no baggage",
            all(),
            Some(Propagate::WithoutBaggage),
            true,
            false,
        ),
        ("its own: nothing", all(), Some(Propagate::No), false, false),
    ];
    for (name, policy, own, trace, baggage) in table {
        assert_sent(&sent(None, policy, own), trace, baggage, name);
    }
}

#[test]
fn the_inner_of_two_layers_takes_baggage_of_any_name_away() {
    let (all, none) = (OutgoingPolicy::default, HostPolicy::none);
    // name, outer policy, inner policy, trace, baggage
    let table = [
        ("neither", all(), all(), true, true),
        ("the inner", all(), all().baggage(none()), true, false),
        ("the outer", all().baggage(none()), all(), true, false),
        ("the inner: trace", all(), all().trace(none()), false, true),
        (
            "one each",
            all().baggage(none()),
            all().trace(none()),
            false,
            false,
        ),
    ];
    for (name, outer, inner, trace, baggage) in table {
        assert_sent(&sent(Some(outer), inner, None), trace, baggage, name);
    }
}
