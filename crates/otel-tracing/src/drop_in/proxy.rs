//! Starts real spans for tracing-opentelemetry, and forwards to real spans.

use std::borrow::Cow;
use std::mem;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::trace::{Span, SpanBuilder, SpanContext, Status, TraceContextExt as _, Tracer};
use opentelemetry::{Context, KeyValue};
use otel_core::span_fields::{Kind, Started};
use tracing_core::Subscriber;
use tracing_core::span::Id;
use tracing_subscriber::registry::LookupSpan;

use super::lookup::shadow_and_real;
use crate::spans::Spans;

/// Starts the real spans for tracing-opentelemetry.
pub(super) struct ProxyTracer<S>(pub(super) Arc<Spans<S>>);

impl<S> ProxyTracer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    /// Returns the real span of this id, which starts with the changes of the builder if it has not started.
    fn start(&self, id: &Id, builder: SpanBuilder, parent: &Context) -> Option<(Started, Status)> {
        let dispatch = self.0.dispatch()?;
        let span = dispatch.downcast_ref::<S>()?.span(id)?;
        let mut changes = Some(builder);
        if let Some(started) = self.0.start_with(&span, &mut changes, parent) {
            return Some(started);
        }
        let started = self.0.start(&span)?;
        let builder = changes?;
        // The span has started between the first use of the trait and now.
        let Some(otel) = started.span() else {
            return Some((started, Status::Unset));
        };
        otel.set_attributes(builder.attributes.unwrap_or_default());
        for link in builder.links.into_iter().flatten() {
            otel.add_link(link.span_context, link.attributes);
        }
        for event in builder.events.into_iter().flatten() {
            otel.add_event_with_timestamp(event.name, event.timestamp, event.attributes);
        }
        Some((started.clone(), Status::Unset))
    }
}

impl<S> Tracer for ProxyTracer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    type Span = ProxySpan;

    /// Makes a builder whose name is the id of the real span.
    fn span_builder<T: Into<Cow<'static, str>>>(&self, name: T) -> SpanBuilder {
        match shadow_and_real() {
            Some((_, real)) => SpanBuilder::from_name(real.to_string()),
            None => SpanBuilder::from_name(name),
        }
    }

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> ProxySpan {
        let id = builder.name.parse().ok().map(Id::from_non_zero_u64);
        let started = id.and_then(|id| self.start(&id, builder, parent));
        ProxySpan::new(started.unwrap_or_else(|| {
            let context = parent.clone();
            let kind = Kind::Parent;
            (Started { context, kind }, Status::Unset)
        }))
    }
}

/// Forwards to a span in a context.
#[derive(Debug)]
pub(super) struct ProxySpan {
    started: Started,
    ids: SpanContext,
    /// The status that the fields of the span have set. A status that the extension trait has set before the start replaces it.
    status: Status,
}

impl ProxySpan {
    fn new((started, status): (Started, Status)) -> Self {
        let ids = started.context.span().span_context().clone();
        Self {
            started,
            ids,
            status,
        }
    }
}

impl Span for ProxySpan {
    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        if let Some(span) = self.started.span() {
            span.add_event_with_timestamp(name, timestamp, attributes);
        }
    }

    fn span_context(&self) -> &SpanContext {
        &self.ids
    }

    fn is_recording(&self) -> bool {
        self.started.span().is_some_and(|span| span.is_recording())
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        if let Some(span) = self.started.span() {
            span.set_attribute(attribute);
        }
    }

    /// Called once by tracing-opentelemetry directly after the start, with the status that the extension trait has set.
    fn set_status(&mut self, status: Status) {
        let of_fields = mem::take(&mut self.status);
        let status = if status == Status::Unset {
            of_fields
        } else {
            status
        };
        if let Some(span) = self.started.span() {
            span.set_status(status);
        }
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, name: T) {
        if let Some(span) = self.started.span() {
            span.update_name(name);
        }
    }

    fn add_link(&mut self, ids: SpanContext, attributes: Vec<KeyValue>) {
        if let Some(span) = self.started.span() {
            span.add_link(ids, attributes);
        }
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        if self.started.kind == Kind::Own {
            self.started.context.span().end_with_timestamp(timestamp);
        }
    }
}
