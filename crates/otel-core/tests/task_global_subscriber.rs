//! With a subscriber for the whole process, work that is not carried starts a new trace, as it does in production.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::thread;

use opentelemetry::trace::SpanId;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use otel_core::task::{carry, in_context};
use tracing::{Instrument as _, info_span};
use tracing_subscriber::layer::SubscriberExt as _;

use self::support::span_layer;

#[test]
fn spans_of_uncarried_work_are_roots_and_of_carried_work_children() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let subscriber = tracing_subscriber::registry().with(span_layer(&provider));
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();

    let child = |name: &'static str| move || info_span!("child", otel.name = name).in_scope(|| ());
    let task = |name: &'static str| async {}.instrument(info_span!("child", otel.name = name));
    info_span!("parent").in_scope(|| {
        thread::spawn(child("thread")).join().unwrap();
        thread::spawn(carry(child("carried thread")))
            .join()
            .unwrap();
        let spawned = [
            runtime.spawn(async move { task("task").await }),
            runtime.spawn(in_context(async move { task("carried task").await })),
            runtime.spawn_blocking(child("blocking")),
            runtime.spawn_blocking(carry(child("carried blocking"))),
        ];
        for task in spawned {
            runtime.block_on(task).unwrap();
        }
    });

    let spans = exporter.get_finished_spans().unwrap();
    let find = |name: &str| spans.iter().find(|span| span.name == name).expect(name);
    let parent = find("parent").span_context.clone();
    for name in ["thread", "task", "blocking"] {
        let span = find(name);
        assert_eq!(span.parent_span_id, SpanId::INVALID, "{name}");
        assert_ne!(span.span_context.trace_id(), parent.trace_id(), "{name}");
    }
    for name in ["carried thread", "carried task", "carried blocking"] {
        let span = find(name);
        assert_eq!(span.parent_span_id, parent.span_id(), "{name}");
        assert_eq!(span.span_context.trace_id(), parent.trace_id(), "{name}");
    }
}
