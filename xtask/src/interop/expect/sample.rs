//! Spans to judge.

use otel_testkit::opentelemetry::Context;
use otel_testkit::opentelemetry::trace::{
    SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use otel_testkit::{Recorder, Span};

/// Makes spans of a service, a kind, and the place of their parent in this list.
pub(super) fn spans(wanted: &[(&'static str, SpanKind, Option<usize>)]) -> Vec<Span> {
    let mut contexts: Vec<Context> = Vec::new();
    let mut spans = Vec::new();
    for (service, kind, parent) in wanted {
        let recorder = Recorder::builder().service(*service).build();
        let tracer = recorder.tracer_provider().tracer("sample");
        let parent = parent.map_or_else(Context::new, |index| contexts[index].clone());
        let builder = tracer.span_builder("relay").with_kind(kind.clone());
        let context = Context::new().with_span(builder.start_with_context(&tracer, &parent));
        context.span().end();
        contexts.push(context);
        spans.extend(recorder.spans());
    }
    spans
}
