//! Events that are logged while a span starts.

use std::{sync::mpsc, thread, time::Duration};

use opentelemetry::{
    Context, KeyValue, TraceId,
    trace::{Link, SpanKind, TraceContextExt as _},
};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, SdkTracerProvider, ShouldSample};
use tracing::{info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer, Registry, layer::SubscriberExt as _, registry};

use super::{Capture, assert_ids, log_layer};

/// Logs each time a span starts: with the target of this module only if the layer itself starts the span.
#[derive(Clone, Debug)]
struct LoggingSampler;

impl ShouldSample for LoggingSampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        if name == "started by us" {
            info!("sampler: {name}");
        }
        info!(target: "opentelemetry_sdk", "SDK: {name}");
        Sampler::AlwaysOn.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

/// Starts spans under a global subscriber with the layer that `span_layer` makes. Under a scoped subscriber, lines that are
/// logged while a span starts are lost.
pub fn assert_no_lock_up(
    span_layer: impl FnOnce(&SdkTracerProvider) -> Box<dyn Layer<Registry> + Send + Sync>,
) {
    let capture = Capture::default();
    let provider = SdkTracerProvider::builder()
        .with_sampler(LoggingSampler)
        .build();
    let subscriber = registry()
        .with(span_layer(&provider))
        .with(log_layer(&capture));
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let (done, finished) = mpsc::channel();
    thread::spawn(move || {
        let ours = info_span!("started by us");
        ours.in_scope(|| info!("in ours"));
        let theirs = info_span!("started by them");
        theirs.in_scope(|| {
            theirs.context();
            info!("in theirs");
        });
        done.send((ours.context(), theirs.context())).unwrap();
    });
    let (ours, theirs) = finished
        .recv_timeout(Duration::from_secs(20))
        .expect("no lock-up");
    assert_ids(&capture.message("in ours"), ours.span().span_context());
    assert_ids(&capture.message("in theirs"), theirs.span().span_context());
    let starting = [
        "sampler: started by us",
        "SDK: started by us",
        "SDK: started by them",
    ];
    for message in starting {
        assert!(
            !capture.message(message).contains_key("trace_id"),
            "{message}"
        );
    }
}
