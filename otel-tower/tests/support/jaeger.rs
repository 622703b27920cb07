//! A propagator of another crate that writes a header for each member of the baggage, as Jaeger's does.

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue};

/// `uber-trace-id: <trace id>:<span id>:0:1` and `uberctx-<key>`. Only the former is one of its fields.
#[derive(Debug)]
pub(crate) struct Jaeger([String; 1]);

impl Jaeger {
    pub(crate) fn new() -> Self {
        Self(["uber-trace-id".to_owned()])
    }
}

impl TextMapPropagator for Jaeger {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let span = cx.span();
        let ids = span.span_context();
        if ids.is_valid() {
            let text = format!("{}:{}:0:1", ids.trace_id(), ids.span_id());
            injector.set("uber-trace-id", text);
        }
        for (key, (value, _)) in cx.baggage() {
            injector.set(&format!("uberctx-{key}"), value.to_string());
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let mut cx = cx.clone();
        let mut parts = extractor
            .get("uber-trace-id")
            .unwrap_or_default()
            .split(':');
        let trace = parts.next().and_then(|id| TraceId::from_hex(id).ok());
        let span = parts.next().and_then(|id| SpanId::from_hex(id).ok());
        if let (Some(trace), Some(span)) = (trace, span) {
            let (flags, state) = (TraceFlags::SAMPLED, TraceState::NONE);
            cx = cx.with_remote_span_context(SpanContext::new(trace, span, flags, true, state));
        }
        let members: Vec<_> = extractor
            .keys()
            .into_iter()
            .filter_map(|name| {
                let value = extractor.get(name)?.to_owned();
                Some(KeyValue::new(
                    name.strip_prefix("uberctx-")?.to_owned(),
                    value,
                ))
            })
            .collect();
        if members.is_empty() {
            return cx;
        }
        cx.with_baggage(members)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.0)
    }
}
