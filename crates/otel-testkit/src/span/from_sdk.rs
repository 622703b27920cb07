//! Spans from the data that the SDK passes to span processors.

use std::sync::Arc;

use opentelemetry::{KeyValue, SpanId};
use opentelemetry_sdk::{Resource, trace::SpanData};

use super::{Fields, Span};

impl Span {
    /// Creates a span from the SDK's data and the resource of the tracer provider.
    #[must_use]
    pub fn from_sdk(data: SpanData, resource: &Resource) -> Self {
        let resource = resource
            .iter()
            .map(|(key, value)| KeyValue::new(key.clone(), value.clone()))
            .collect::<Vec<_>>();
        let parent = data.parent_span_id;
        Fields {
            trace_id: data.span_context.trace_id(),
            span_id: data.span_context.span_id(),
            parent_span_id: (parent != SpanId::INVALID).then_some(parent),
            parent_is_remote: Some(data.parent_span_is_remote),
            trace_flags: data.span_context.trace_flags(),
            trace_state: data.span_context.trace_state().header(),
            name: data.name.into_owned(),
            kind: data.span_kind,
            resource: Arc::new(resource.into()),
            scope: data.instrumentation_scope.name().into(),
            start: data.start_time,
            end: data.end_time,
            status: data.status,
            attributes: data.attributes,
            events: data.events.events,
            links: data.links.links,
        }
        .into()
    }
}
