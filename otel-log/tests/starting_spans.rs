//! Events are logged while a span starts. tracing-opentelemetry starts spans under a lock that cannot be taken twice.
//!
//! The subscriber is global: under a scoped one such lines are lost.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use std::{sync::mpsc, thread, time::Duration};

use common::{Capture, assert_ids, log_layer};
use opentelemetry::{
    Context, KeyValue, TraceId,
    trace::{Link, SpanKind, TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, SdkTracerProvider, ShouldSample};
use tracing::{info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{layer::SubscriberExt as _, registry};

/// Logs whenever a span starts, under its own target only where the layer itself makes it start.
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

#[test]
fn logging_while_a_span_starts_does_not_lock_up() {
    let capture = Capture::default();
    let provider = SdkTracerProvider::builder()
        .with_sampler(LoggingSampler)
        .build();
    let otel_layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("test"))
        .with_context_activation(false);
    let subscriber = registry().with(otel_layer).with(log_layer(&capture));
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
