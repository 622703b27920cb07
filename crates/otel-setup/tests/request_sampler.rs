//! What a request asks of the sampler, over real sockets, with every way to make a SERVER span.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use axum::Router;
use axum::routing::get;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{
    Link, SpanKind, TraceContextExt as _, TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, TraceId};
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler, SamplingDecision, SamplingResult, SdkTracerProvider,
    ShouldSample, SpanData,
};
use otel_core::propagation::CompositePropagator;
use otel_setup::RequestSampler;
use otel_tower::ServerLayer;
use otel_tower::trust::{Trust, TrustPolicy};
use tokio::net::TcpListener;
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::{prelude::*, registry};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const FORCE: &str = "x-debug-trace";

/// How the SERVER span is made.
#[derive(Debug, Clone, Copy)]
enum Way {
    OtelTracing,
    TracingOpentelemetry,
    /// The layer of tracing-opentelemetry that does not activate contexts.
    WithoutActivation,
    Api,
}

const WAYS: [Way; 4] = [
    Way::OtelTracing,
    Way::TracingOpentelemetry,
    Way::WithoutActivation,
    Way::Api,
];

/// A name, the headers of a request, and what is expected of it.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], bool);

/// What became of one request.
struct Served {
    spans: Vec<SpanData>,
    /// What the handler sends on.
    sent: HashMap<String, String>,
}

impl Served {
    fn is_recorded(&self) -> bool {
        self.server().is_some()
    }

    fn server(&self) -> Option<&SpanData> {
        let mut spans = self.spans.iter();
        spans.find(|span| span.span_kind == SpanKind::Server)
    }

    /// The flags of the `traceparent` that the handler sends on. Its trace id and its span id are this service's.
    fn sent_flags(&self) -> &str {
        let traceparent = &self.sent["traceparent"];
        assert!(!traceparent.contains(CALLER), "{traceparent}");
        traceparent.rsplit('-').next().unwrap()
    }

    fn continues(&self) -> bool {
        self.sent["traceparent"].contains(TRACE)
    }
}

fn parent_based(root: impl ShouldSample + 'static) -> Sampler {
    Sampler::ParentBased(Box::new(root))
}

fn ratio(ratio: f64) -> Sampler {
    parent_based(Sampler::TraceIdRatioBased(ratio))
}

fn layer(trust: impl Into<TrustPolicy>) -> ServerLayer {
    ServerLayer::new()
        .trust(trust)
        .force_sampling_header(axum::http::HeaderName::from_static(FORCE))
}

fn propagator() -> CompositePropagator {
    "tracecontext,b3,baggage".parse().unwrap()
}

/// Sends one request to a service whose provider has this sampler.
fn serve(
    way: Way,
    sampler: impl ShouldSample + 'static,
    layer: ServerLayer,
    headers: &[(&str, &str)],
) -> Served {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_sampler(sampler)
        .with_simple_exporter(exporter.clone())
        .build();
    let mut layer = layer.propagator(propagator());
    let dispatch: Dispatch = match way {
        Way::OtelTracing => registry().with(otel_tracing::layer(&provider)).into(),
        Way::TracingOpentelemetry | Way::WithoutActivation => {
            let is_activated = matches!(way, Way::TracingOpentelemetry);
            let layer = tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("tracing"))
                .with_context_activation(is_activated);
            registry().with(layer).into()
        }
        Way::Api => {
            layer = layer.without_tracing_span().tracer_provider(&provider);
            registry().into()
        }
    };
    let tracer = provider.tracer("test");
    let handler = async move || {
        tracing::info_span!("inside").in_scope(|| ());
        let parent = Context::current();
        let child = tracer.start_with_context("call", &parent);
        let mut sent = HashMap::new();
        propagator().inject_context(&parent.with_span(child), &mut sent);
        let lines = sent
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"));
        lines.collect::<String>()
    };
    let app = Router::new()
        .route("/orders/{id}", get(handler))
        .layer(layer);
    let mut request = "GET /orders/7 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n".to_owned();
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let response = dispatcher::with_default(&dispatch, || exchange(app, request));
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{response}");
    let sent = body.lines().filter_map(|line| line.split_once(": "));
    Served {
        spans: exporter.get_finished_spans().unwrap(),
        sent: sent
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    }
}

/// Runs the service on this thread, and returns its response to the request.
fn exchange(app: Router, request: String) -> String {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::select! {
            served = axum::serve(listener, app).into_future() => panic!("{served:?}"),
            response = tokio::task::spawn_blocking(move || send(address, &request)) => response.unwrap(),
        }
    })
}

fn send(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{CALLER}-{flags}")
}

#[test]
fn a_front_end_that_sends_00_does_not_decide_for_the_service() {
    for way in WAYS {
        for (own, is_sampled) in [(0.0, false), (1.0, true)] {
            for flags in ["00", "01"] {
                let name = format!("{way:?}, ratio {own}, flags {flags}");
                let caller = traceparent(flags);
                let headers = [
                    ("traceparent", caller.as_str()),
                    ("tracestate", "vendor=1"),
                    ("baggage", "user=ada"),
                ];
                let sampler = RequestSampler::new(ratio(own));
                let served = serve(way, sampler, layer(Trust::Resample), &headers);
                assert_eq!(served.is_recorded(), is_sampled, "{name}");
                assert!(served.continues(), "{name}: {:?}", served.sent);
                assert_eq!(
                    served.sent_flags(),
                    if is_sampled { "01" } else { "00" },
                    "{name}"
                );
                assert_eq!(served.sent["tracestate"], "vendor=1", "{name}");
                assert_eq!(served.sent["baggage"], "user=ada", "{name}");
                if let Some(server) = served.server() {
                    assert_eq!(server.parent_span_id.to_string(), CALLER, "{name}");
                    assert!(server.parent_span_is_remote, "{name}");
                }
                // The spans inside follow the SERVER span: `call`, and `inside` with a layer of `tracing`.
                let inside = if matches!(way, Way::Api) { 2 } else { 3 };
                assert_eq!(
                    served.spans.len(),
                    if is_sampled { inside } else { 0 },
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn the_debug_header_samples_a_request_whatever_the_ratio() {
    let unsampled = traceparent("00");
    let caller = ("traceparent", unsampled.as_str());
    // name, headers, sampled
    let table: [Case<'_>; 10] = [
        ("no header", &[caller], false),
        ("1", &[caller, (FORCE, "1")], true),
        ("a word", &[caller, (FORCE, "please")], true),
        ("0", &[caller, (FORCE, "0")], false),
        ("false", &[caller, (FORCE, " False ")], false),
        ("empty", &[caller, (FORCE, "")], false),
        (
            "the second line",
            &[caller, (FORCE, "0"), (FORCE, "1")],
            true,
        ),
        ("no trace", &[(FORCE, "1")], true),
        ("no trace, no header", &[], false),
        ("B3's deny without ids", &[("b3", "0"), (FORCE, "1")], true),
    ];
    for way in WAYS {
        for trust in [Trust::Continue, Trust::Resample] {
            for (name, headers, is_sampled) in table {
                let name = format!("{way:?}, {trust:?}, {name}");
                let sampler = RequestSampler::new(ratio(0.0));
                let served = serve(way, sampler, layer(trust), headers);
                assert_eq!(served.is_recorded(), is_sampled, "{name}");
                assert_eq!(served.continues(), headers.contains(&caller), "{name}");
                assert_eq!(
                    served.sent_flags(),
                    if is_sampled { "01" } else { "00" },
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn a_debug_flag_of_b3_samples_the_whole_request_under_any_sampler() {
    let debug = format!("{TRACE}-{CALLER}-d");
    let table: [Case<'_>; 4] = [
        ("single", &[("b3", &debug)], true),
        (
            "multi",
            &[
                ("x-b3-traceid", TRACE),
                ("x-b3-spanid", CALLER),
                ("x-b3-flags", "1"),
            ],
            true,
        ),
        ("single without ids", &[("b3", "d")], false),
        ("multi without ids", &[("x-b3-flags", "1")], false),
    ];
    let samplers = [
        ratio(0.0),
        Sampler::TraceIdRatioBased(0.0),
        Sampler::AlwaysOff,
    ];
    for way in WAYS {
        for sampler in &samplers {
            for (name, headers, continues) in table {
                let name = format!("{way:?}, {sampler:?}, {name}");
                let sampler = RequestSampler::new(sampler.clone());
                let served = serve(way, sampler, layer(Trust::Resample), headers);
                assert_eq!(served.continues(), continues, "{name}");
                assert!(
                    served.sent["b3"].ends_with("-d"),
                    "{name}: {:?}",
                    served.sent
                );
                let inside = if matches!(way, Way::Api) { 2 } else { 3 };
                assert_eq!(served.spans.len(), inside, "{name}");
            }
        }
    }
}

#[test]
fn an_untrusted_client_can_neither_force_a_trace_nor_its_debug_flag() {
    let debug = format!("{TRACE}-{CALLER}-d");
    let unsampled = traceparent("00");
    let table: [&[(&str, &str)]; 4] = [
        &[("b3", &debug), (FORCE, "1")],
        &[("b3", "d")],
        &[("x-b3-flags", "1"), (FORCE, "1")],
        &[
            ("traceparent", &unsampled),
            (FORCE, "1"),
            ("baggage", "user=ada"),
        ],
    ];
    for way in WAYS {
        for headers in table {
            for policy in [
                TrustPolicy::from(Trust::Link),
                TrustPolicy::from(Trust::Ignore),
                TrustPolicy::from(Trust::Ignore).baggage(true),
            ] {
                for own in [0.0, 1.0] {
                    let name = format!("{way:?}, {policy:?}, {headers:?}, ratio {own}");
                    let sampler = RequestSampler::new(ratio(own));
                    let served = serve(way, sampler, layer(policy.clone()), headers);
                    assert_eq!(served.is_recorded(), own > 0.5, "{name}");
                    assert!(!served.continues(), "{name}");
                    let state = if own > 0.5 { "-1" } else { "-0" };
                    assert!(
                        served.sent["b3"].ends_with(state),
                        "{name}: {:?}",
                        served.sent
                    );
                }
            }
        }
    }
}

#[test]
fn a_b3_caller_that_has_not_decided_leaves_it_to_the_root_sampler() {
    let plain = format!("{TRACE}-{CALLER}");
    let brave = format!("{TRACE}-{CALLER}-05e3ac9a4f6e3b90");
    let sampled = traceparent("01");
    let table: [(&str, &[(&str, &str)]); 5] = [
        ("single", &[("b3", &plain)]),
        ("with a parent, as Brave writes it", &[("b3", &brave)]),
        ("multi", &[("x-b3-traceid", TRACE), ("x-b3-spanid", CALLER)]),
        (
            "multi with a parent",
            &[
                ("x-b3-traceid", TRACE),
                ("x-b3-spanid", CALLER),
                ("x-b3-parentspanid", "05e3ac9a4f6e3b90"),
            ],
        ),
        (
            "over a bridge",
            &[("traceparent", &sampled), ("b3", &plain)],
        ),
    ];
    for way in WAYS {
        for (name, headers) in table {
            for (own, is_sampled) in [(0.0, false), (1.0, true)] {
                let name = format!("{way:?}, {name}, ratio {own}");
                let sampler = RequestSampler::new(ratio(own));
                let served = serve(way, sampler, layer(Trust::Continue), headers);
                assert_eq!(served.is_recorded(), is_sampled, "{name}");
                assert!(served.continues(), "{name}: {:?}", served.sent);
                let state = if is_sampled { "-1" } else { "-0" };
                assert!(
                    served.sent["b3"].ends_with(state),
                    "{name}: {:?}",
                    served.sent
                );
            }
        }
    }
}

/// Samples `GET /orders/7` of a user, as a root sampler by attributes and baggage may do. It refuses to decide for a child.
#[derive(Debug, Clone)]
struct ByPath;

impl ShouldSample for ByPath {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        _: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        use opentelemetry::baggage::BaggageExt as _;

        let parent = parent.unwrap();
        let is_wanted = attributes.contains(&KeyValue::new("url.path", "/orders/7"))
            && parent
                .baggage()
                .get("user")
                .is_some_and(|it| it.as_str() == "ada")
            && !parent.has_active_span()
            && *kind == SpanKind::Server
            && trace.to_string() == TRACE;
        SamplingResult {
            decision: if is_wanted {
                SamplingDecision::RecordAndSample
            } else {
                SamplingDecision::Drop
            },
            attributes: vec![KeyValue::new("sampler", "by path")],
            trace_state: TraceState::NONE,
        }
    }
}

#[test]
fn the_root_sampler_sees_the_attributes_of_a_request_that_is_not_sampled() {
    let unsampled = traceparent("00");
    let headers = [
        ("traceparent", unsampled.as_str()),
        ("tracestate", "vendor=1"),
        ("baggage", "user=ada"),
    ];
    for way in WAYS {
        let sampler = RequestSampler::new(Sampler::parent_based(ByPath));
        let served = serve(way, sampler, layer(Trust::Resample), &headers);
        let server = served.server().unwrap();
        let keys: Vec<_> = server.attributes.iter().map(|it| it.key.as_str()).collect();
        assert!(keys.contains(&"sampler"), "{way:?}: {keys:?}");
        assert!(
            keys.contains(&"http.response.status_code"),
            "{way:?}: {keys:?}"
        );
        let paths = keys.iter().filter(|key| **key == "url.path");
        assert_eq!(paths.count(), 1, "{way:?}: {keys:?}");
        assert_eq!(served.sent["tracestate"], "vendor=1", "{way:?}");
    }
}

#[test]
fn a_provider_without_the_wrapper_follows_the_flag_of_the_parent() {
    let unsampled = traceparent("00");
    let deferred = format!("{TRACE}-{CALLER}");
    let debug = format!("{deferred}-d");
    let caller = ("traceparent", unsampled.as_str());
    let table: [Case<'_>; 6] = [
        ("unsampled", &[caller], false),
        ("the header", &[caller, (FORCE, "1")], true),
        ("the header without a trace", &[(FORCE, "1")], true),
        ("debug", &[("b3", &debug)], true),
        ("debug without ids", &[("b3", "d")], true),
        ("deferred", &[("b3", &deferred)], true),
    ];
    for way in WAYS {
        for (name, headers, is_sampled) in table {
            let served = serve(way, ratio(0.0), layer(Trust::Resample), headers);
            assert_eq!(served.is_recorded(), is_sampled, "{way:?}, {name}");
            let attributes = served.server().map_or(0, |it| it.attributes.len());
            assert!(!is_sampled || attributes > 5, "{way:?}, {name}");
        }
    }
}
