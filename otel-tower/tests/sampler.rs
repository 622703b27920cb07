//! What the sampler of the global provider is told of the very first spans. One test: the provider is the process's.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use http::{Request, Response};
use http_body_util::Empty;
use opentelemetry::trace::{Link, SpanKind};
use opentelemetry::{Context, KeyValue, TraceId, global};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, SdkTracerProvider, ShouldSample};
use otel_tower::{ClientLayer, ServerLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};

type Body = Empty<axum::body::Bytes>;

/// The name of a span, and the keys of its URL's attributes.
type Asked = (String, Vec<String>);

/// Keeps what it is asked about.
#[derive(Debug, Clone, Default)]
struct Listening(Arc<Mutex<Vec<Asked>>>);

impl ShouldSample for Listening {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let urls = attributes.iter().map(|it| it.key.as_str());
        let urls = urls
            .filter(|key| key.starts_with("url."))
            .map(str::to_owned);
        let asked = (name.to_owned(), urls.collect());
        self.0.lock().unwrap().push(asked);
        Sampler::AlwaysOn.should_sample(parent, trace, name, kind, attributes, links)
    }
}

fn request() -> Request<Body> {
    Request::get("http://shop.example/buy?page=2")
        .body(Body::new())
        .unwrap()
}

#[test]
fn the_first_spans_of_a_process_show_the_sampler_what_all_others_do() {
    let listening = Listening::default();
    let provider = SdkTracerProvider::builder().with_sampler(listening.clone());
    global::set_tracer_provider(provider.build());
    let answer =
        service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::new())) });
    let server = ServerLayer::new()
        .without_tracing_span()
        .attributes_for_sampler();
    let client = ClientLayer::new().attributes_for_sampler();
    for _ in 0..2 {
        let served = server.layer(answer).oneshot(request());
        served.now_or_never().unwrap().unwrap();
        let sent = client.layer(answer).oneshot(request());
        sent.now_or_never().unwrap().unwrap();
    }
    let asked = listening.0.lock().unwrap();
    let of_server = ["url.scheme", "url.path", "url.query"]
        .map(str::to_owned)
        .to_vec();
    let of_client = vec!["url.full".to_owned()];
    for two in asked.chunks(2) {
        assert_eq!(
            two,
            [
                ("GET".to_owned(), of_server.clone()),
                ("GET".to_owned(), of_client.clone())
            ]
        );
    }
    assert_eq!(asked.len(), 4);
}
