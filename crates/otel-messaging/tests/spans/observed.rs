//! An instrument whose spans are seen.

use std::collections::HashMap;

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use otel_core::propagation::CompositePropagator;
use otel_messaging::Messaging;

pub(crate) type Headers = HashMap<String, String>;

/// An instrument with its own provider and propagator.
pub(crate) struct Observed {
    pub(crate) messaging: Messaging,
    pub(crate) provider: SdkTracerProvider,
    pub(crate) exporter: InMemorySpanExporter,
}

impl Observed {
    pub(crate) fn new() -> Self {
        Self::with_propagator("tracecontext,baggage")
    }

    pub(crate) fn with_propagator(names: &str) -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        Self {
            messaging: Messaging::new("kafka")
                .tracer_provider(&provider)
                .propagator(names.parse::<CompositePropagator>().unwrap()),
            provider,
            exporter,
        }
    }

    /// Returns the headers of a sent message, and the context in them.
    pub(crate) fn message(&self) -> (Headers, SpanContext) {
        let mut headers = Headers::new();
        let send = self.messaging.send("orders").start();
        send.inject(&mut headers);
        let context = send.context().span().span_context().clone();
        (headers, context)
    }

    pub(crate) fn in_ambient<T>(&self, work: impl FnOnce(SpanContext) -> T) -> T {
        self.provider.tracer("test").in_span("ambient", |cx| {
            let ambient = cx.span().span_context().clone();
            work(ambient)
        })
    }

    pub(crate) fn last(&self, name: &str) -> SpanData {
        let spans = self.exporter.get_finished_spans().unwrap();
        let last = spans.into_iter().rfind(|span| span.name == name);
        last.expect(name)
    }
}

pub(crate) fn linked(span: &SpanData) -> Vec<SpanId> {
    let links = span.links.links.iter();
    links.map(|link| link.span_context.span_id()).collect()
}

pub(crate) fn attribute(attributes: &[KeyValue], key: &str) -> Option<Value> {
    let mut found = attributes.iter().filter(|kv| kv.key.as_str() == key);
    let value = found.next().map(|kv| kv.value.clone());
    assert!(found.next().is_none(), "{key} is set twice");
    value
}
