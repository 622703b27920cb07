//! What the SDK needs to start a span.

use opentelemetry::trace::{SpanBuilder, Status};
use opentelemetry::{Context, KeyValue};
use otel_core::span_fields::{SpanFields, Waiting};

use crate::attributes::Description;
use crate::callsite::{CODE_FUNCTION_NAME, SpanPlan};
use crate::options::Options;

/// Everything that a span starts with.
pub(crate) struct Start {
    pub(crate) builder: SpanBuilder,
    pub(crate) parent: Context,
    pub(crate) status: Status,
}

impl Start {
    /// Reads the fields of a span that has not started.
    #[inline]
    pub(crate) fn new(
        plan: &SpanPlan,
        options: &Options,
        fields: &SpanFields,
        waiting: Waiting,
    ) -> Self {
        let Description {
            name,
            kind,
            mut status,
            mut attributes,
        } = Description::new(plan, options, fields.iter(), 1);
        if let Some(name) = plan.function_name {
            attributes.push(KeyValue::new(CODE_FUNCTION_NAME, name));
        }
        // `SpanBuilder` is large and its methods move it, so the fields are set directly.
        let mut builder = match name {
            Some(name) => SpanBuilder::from_name(name),
            None => SpanBuilder::from_name(plan.name),
        };
        builder.span_kind = kind;
        builder.start_time = Some(waiting.start_time);
        if let Some(additions) = waiting.additions {
            attributes.extend(additions.attributes);
            builder.links = Some(additions.links);
            builder.events = Some(additions.events);
            // Ok over Error over Unset, as in the SDK.
            if additions.status > status {
                status = additions.status;
            }
        }
        builder.attributes = Some(attributes);
        Self {
            builder,
            parent: waiting.parent,
            status,
        }
    }

    /// Adds what tracing-opentelemetry's extension trait has changed.
    pub(crate) fn apply(&mut self, changes: SpanBuilder) {
        append(&mut self.builder.attributes, changes.attributes);
        append(&mut self.builder.links, changes.links);
        append(&mut self.builder.events, changes.events);
        // A span that was skipped has no earlier time.
        let times = [self.builder.start_time, changes.start_time];
        self.builder.start_time = times.into_iter().flatten().min();
    }
}

fn append<T>(list: &mut Option<Vec<T>>, more: Option<Vec<T>>) {
    match (list, more) {
        (_, None) => {}
        (Some(list), Some(more)) => list.extend(more),
        (list, more) => *list = more,
    }
}
