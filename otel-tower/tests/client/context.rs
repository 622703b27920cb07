//! Parents, and what is sent along.

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::FutureExt as _;
use otel_testkit::Recorder;
use otel_tower::trust::{HostPolicy, OutgoingPolicy};
use otel_tower::{ClientLayer, Propagate};
use tower::{Layer as _, ServiceExt as _};
use tracing::Instrument as _;

use crate::harness::{Seen, block_on, client, get, in_work, layer, only_call, serve, traceparent};

/// Sends one request through the layer, with headers that an earlier use has left.
async fn send(layer: &ClientLayer, own: Option<Propagate>) -> Seen {
    let (address, seen) = serve().await;
    let mut request = get(address, "/");
    request.extensions_mut().extend(
        own.map(|own| {
            let mut extensions = http::Extensions::new();
            extensions.insert(own);
            extensions
        })
        .unwrap_or_default(),
    );
    for (name, value) in [("tracestate", "old=1"), ("baggage", "old=1")] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let baggage = Context::current_with_baggage([opentelemetry::KeyValue::new("user", "ada")]);
    let sent = layer.layer(client()).oneshot(request).with_context(baggage);
    sent.await.unwrap();
    seen
}

#[test]
fn the_span_s_own_context_is_sent_in_place_of_what_was_there() {
    let recorder = Recorder::new();
    let seen = in_work(&recorder, send(&layer(&recorder), None));
    let span = only_call(&recorder);
    assert_eq!(seen.header("traceparent"), [Some(traceparent(&span))]);
    assert_eq!(seen.header("tracestate"), [None]);
    assert_eq!(seen.header("baggage"), [Some("user=ada".to_owned())]);
}

#[test]
fn the_current_tracing_span_is_the_parent_where_its_context_is_not_active() {
    let recorder = Recorder::new();
    let tracer = opentelemetry::trace::TracerProvider::tracer(&recorder.tracer_provider(), "test");
    let otel = tracing_opentelemetry::layer().with_tracer(tracer);
    let otel = otel.with_context_activation(false);
    let info = tracing_subscriber::filter::LevelFilter::INFO;
    let subscriber = tracing_subscriber::layer::SubscriberExt::with(
        tracing_subscriber::registry(),
        tracing_subscriber::Layer::with_filter(otel, info),
    );
    let _subscriber = tracing::subscriber::set_default(subscriber);
    let layer = layer(&recorder);
    block_on(send(&layer, None).instrument(tracing::info_span!("work")));
    only_call(&recorder);
}

#[test]
fn a_list_of_hosts_and_a_request_s_own_word_decide_what_is_sent() {
    let ours = || HostPolicy::only(["127.0.0.1"]).unwrap();
    let theirs = || HostPolicy::only(["ours.example"]).unwrap();
    // name, policy, the request's own, trace, baggage
    let table = [
        (
            "to ours",
            OutgoingPolicy::default().trace(ours()).baggage(ours()),
            None,
            true,
            true,
        ),
        (
            "to others",
            OutgoingPolicy::default().trace(theirs()).baggage(theirs()),
            None,
            false,
            false,
        ),
        (
            "its own: nothing",
            OutgoingPolicy::default(),
            Some(Propagate::No),
            false,
            false,
        ),
        (
            "its own: no baggage",
            OutgoingPolicy::default(),
            Some(Propagate::WithoutBaggage),
            true,
            false,
        ),
        (
            "its own adds nothing",
            OutgoingPolicy::default().trace(theirs()),
            Some(Propagate::WithoutBaggage),
            false,
            false,
        ),
    ];
    for (name, policy, own, trace, baggage) in table {
        let recorder = Recorder::new();
        let seen = in_work(&recorder, send(&layer(&recorder).outgoing(policy), own));
        let head = &seen.heads()[0];
        assert_eq!(head.contains_key("traceparent"), trace, "{name}");
        assert_eq!(head.contains_key("baggage"), baggage, "{name}");
        assert!(!format!("{head:?}").contains("old=1"), "{name}: {head:?}");
        only_call(&recorder);
    }
}

#[test]
fn a_list_of_hosts_allows_no_one_who_is_not_named_by_uri_or_origin() {
    use std::convert::Infallible;
    let ours = HostPolicy::only(["ours.example"]).unwrap();
    let policy = OutgoingPolicy::default().trace(ours.clone()).baggage(ours);
    let origin = |text: &'static str| http::Uri::from_static(text);
    // name, URI, origin, sent
    let table = [
        ("only its Host", "/", None, false),
        ("its URI", "http://ours.example/", None, true),
        ("the origin", "/", Some(origin("http://ours.example")), true),
        (
            "an origin over a stranger's URI",
            "http://ours.example/",
            Some(origin("http://theirs.example")),
            false,
        ),
    ];
    for (name, uri, origin, sent) in table {
        let recorder = Recorder::new();
        let mut layer = layer(&recorder).outgoing(policy.clone());
        if let Some(origin) = origin {
            layer = layer.origin(origin);
        }
        let answer = tower::service_fn(|request: http::Request<String>| async move {
            let has_trace = request.headers().contains_key("traceparent");
            Ok::<_, Infallible>(http::Response::new(has_trace.to_string()))
        });
        let request = http::Request::get(uri).header("host", "ours.example");
        let request = request.body(String::new()).unwrap();
        let response = block_on(layer.layer(answer).oneshot(request)).unwrap();
        let body = block_on(http_body_util::BodyExt::collect(response.into_body())).unwrap();
        assert_eq!(body.to_bytes(), sent.to_string(), "{name}");
    }
}

#[test]
fn a_skipped_request_is_sent_the_active_context() {
    let recorder = Recorder::new();
    let layer = layer(&recorder).skip(otel_tower::predicate::path("/"));
    let seen = in_work(&recorder, send(&layer, None));
    let trace = recorder.trace();
    assert_eq!(trace.spans().len(), 1, "{trace}");
    let work = &trace.spans()[0];
    assert_eq!(seen.header("traceparent"), [Some(traceparent(work))]);
}

#[test]
fn a_request_of_telemetry_itself_passes_untouched() {
    let recorder = Recorder::new();
    let seen = in_work(&recorder, async {
        let suppressed = Context::current().with_telemetry_suppressed();
        let sending = async {
            let (address, seen) = serve().await;
            let client = layer(&recorder).layer(client());
            client.oneshot(get(address, "/")).await.unwrap();
            seen
        };
        sending.with_context(suppressed).await
    });
    assert_eq!(recorder.trace().spans().len(), 1);
    assert_eq!(seen.header("traceparent"), [None]);
}

#[test]
fn without_an_sdk_the_incoming_context_goes_on() {
    use opentelemetry::trace::{SpanContext, TraceContextExt as _};
    let caller = SpanContext::new(
        1_u128.into(),
        2_u64.into(),
        opentelemetry::trace::TraceFlags::SAMPLED,
        true,
        "vendor=1".parse().unwrap(),
    );
    let context = Context::new().with_remote_span_context(caller);
    let layer = ClientLayer::new().propagator(crate::harness::propagator());
    let seen = block_on(send(&layer, None).with_context(context));
    let traceparent = format!("00-{:032x}-{:016x}-01", 1, 2);
    assert_eq!(seen.header("traceparent"), [Some(traceparent)]);
    assert_eq!(seen.header("tracestate"), [Some("vendor=1".to_owned())]);
}
