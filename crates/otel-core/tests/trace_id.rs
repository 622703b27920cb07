//! The active trace id.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::sync::mpsc::{Sender, channel};
use std::thread;

use opentelemetry::trace::{
    SpanContext, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
    TracerProvider as _,
};
use opentelemetry::{Context, SpanId};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider};
use otel_core::{span_access, trace_id};
use tracing::dispatcher::{self, Dispatch};
use tracing::info_span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

use self::support::span_layer;

fn provider() -> (SdkTracerProvider, InMemorySpanExporter) {
    let exporter = InMemorySpanExporter::default();
    let builder = SdkTracerProvider::builder().with_simple_exporter(exporter.clone());
    (builder.build(), exporter)
}

/// The span of a caller.
fn remote() -> SpanContext {
    let (trace, span) = (TraceId::from(7), SpanId::from(7));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::NONE)
}

fn remote_context() -> Context {
    Context::new().with_remote_span_context(remote())
}

fn subscriber(provider: &SdkTracerProvider) -> Dispatch {
    Dispatch::new(tracing_subscriber::registry().with(span_layer(provider)))
}

/// A subscriber whose layer activates no contexts.
fn without_activation(provider: &SdkTracerProvider) -> Dispatch {
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("test"))
        .with_context_activation(false);
    span_access::set_other_layer(tracing_opentelemetry::get_otel_context);
    Dispatch::new(tracing_subscriber::registry().with(layer))
}

#[test]
fn the_trace_id_is_that_of_the_active_span_in_every_mode() {
    assert_eq!(trace_id(), None);
    // Without an SDK there is only the span of the caller.
    let attached = remote_context().attach();
    assert_eq!(trace_id(), Some(remote().trace_id()));
    drop(attached);
    assert_eq!(trace_id(), None);

    let (recording, exporter) = provider();
    let tracer = recording.tracer("test");
    let found = tracer.in_span("work", |_| trace_id());
    let spans = exporter.get_finished_spans().unwrap();
    assert_eq!(found, spans.first().map(|it| it.span_context.trace_id()));

    let unsampled = SdkTracerProvider::builder()
        .with_sampler(Sampler::AlwaysOff)
        .build();
    unsampled.tracer("test").in_span("work", |context| {
        assert_eq!(trace_id(), Some(context.span().span_context().trace_id()));
    });
}

#[test]
fn the_trace_id_is_that_of_the_current_tracing_span() {
    for make in [subscriber, without_activation] {
        let (provider, exporter) = provider();
        let found = dispatcher::with_default(&make(&provider), || {
            assert_eq!(trace_id(), None);
            info_span!("outer").in_scope(|| {
                let outer = trace_id();
                assert!(outer.is_some());
                assert_eq!(info_span!("inner").in_scope(trace_id), outer);
                // Code that hides the active context still has the span.
                let _hidden = Context::new().attach();
                assert_eq!(trace_id(), outer);
                outer
            })
        });
        let spans = exporter.get_finished_spans().unwrap();
        assert_eq!(spans.len(), 2);
        for span in spans {
            assert_eq!(Some(span.span_context.trace_id()), found);
        }
    }
}

#[test]
fn asking_for_the_trace_id_starts_no_span() {
    for make in [subscriber, without_activation] {
        let (provider, exporter) = provider();
        dispatcher::with_default(&make(&provider), || {
            let late = info_span!("late");
            assert_eq!(trace_id(), None);
            late.set_parent(remote_context())
                .expect("the span has not started");
            assert_eq!(late.in_scope(trace_id), Some(remote().trace_id()));
        });
        let spans = exporter.get_finished_spans().unwrap();
        assert_eq!(spans.len(), 1);
        assert_eq!(spans.first().unwrap().parent_span_id, remote().span_id());
    }
}

struct AsksAtExit(Sender<Option<TraceId>>);

impl Drop for AsksAtExit {
    fn drop(&mut self) {
        let _ = self.0.send(trace_id());
    }
}

thread_local! {
    static AT_EXIT: std::cell::RefCell<Option<AsksAtExit>> = const { std::cell::RefCell::new(None) };
}

#[test]
fn a_thread_that_ends_may_ask_for_its_trace_id() {
    let (provider, _exporter) = provider();
    dispatcher::set_global_default(subscriber(&provider)).unwrap();
    let work: [fn(); 4] = [
        || info_span!("work").in_scope(|| assert!(trace_id().is_some())),
        || drop(Context::new().attach()),
        || assert_eq!(trace_id(), None),
        || {},
    ];
    for (at, work) in work.into_iter().enumerate() {
        for is_first in [true, false] {
            let (sender, receiver) = channel();
            let remember = move || AT_EXIT.set(Some(AsksAtExit(sender)));
            let thread = thread::spawn(move || {
                // The locals of a thread are destroyed in the reverse order of their first use.
                if is_first {
                    remember();
                    work();
                } else {
                    work();
                    remember();
                }
            });
            thread.join().unwrap();
            assert_eq!(receiver.recv(), Ok(None), "case {at}, {is_first}");
        }
    }
}
