//! A finished span, recorded in this process or received over OTLP.

mod from_otlp;
mod from_sdk;

use std::{fmt, sync::Arc, time::Duration, time::SystemTime};

use opentelemetry::{
    Array, KeyValue, SpanId, TraceFlags, TraceId, Value,
    trace::{Event, Link, SpanKind, Status},
};

pub(crate) use self::from_otlp::from_otlp;

/// A finished span.
///
/// Clones share their contents, so cloning is cheap.
#[derive(Clone, PartialEq)]
pub struct Span(Arc<Fields>);

impl Span {
    /// Returns the trace id.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.0.trace_id
    }

    /// Returns the span id.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.0.span_id
    }

    /// Returns the span id of the parent, or `None` if the span is a root.
    #[must_use]
    pub fn parent_span_id(&self) -> Option<SpanId> {
        self.0.parent_span_id
    }

    /// Returns whether the parent belongs to another process, or `None` if the exporter did not set this flag.
    #[must_use]
    pub fn parent_is_remote(&self) -> Option<bool> {
        self.0.parent_is_remote
    }

    /// Returns the W3C trace flags, or 0 if the exporter did not send them.
    #[must_use]
    pub fn trace_flags(&self) -> TraceFlags {
        self.0.trace_flags
    }

    /// Returns the `tracestate` as a header value, or an empty text if the span has none.
    #[must_use]
    pub fn trace_state(&self) -> &str {
        &self.0.trace_state
    }

    /// Returns the span name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the span kind. An unspecified kind is INTERNAL, as OTLP requires of receivers.
    #[must_use]
    pub fn kind(&self) -> &SpanKind {
        &self.0.kind
    }

    /// Returns the `service.name` of the resource.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        match find(&self.0.resource.attributes, "service.name")? {
            Value::String(name) => Some(name.as_str()),
            _ => None,
        }
    }

    /// Returns the attributes of the resource.
    #[must_use]
    pub fn resource(&self) -> &[KeyValue] {
        &self.0.resource.attributes
    }

    /// Returns the name of the instrumentation scope.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.0.scope
    }

    /// Returns when the span started.
    #[must_use]
    pub fn start(&self) -> SystemTime {
        self.0.start
    }

    /// Returns when the span ended.
    #[must_use]
    pub fn end(&self) -> SystemTime {
        self.0.end
    }

    /// Returns the time from start to end, or zero if the end is before the start.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.0.end.duration_since(self.0.start).unwrap_or_default()
    }

    /// Returns the status, with the description of an error.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.0.status
    }

    /// Returns whether the status is ERROR.
    #[must_use]
    pub fn is_error(&self) -> bool {
        matches!(self.0.status, Status::Error { .. })
    }

    /// Returns the attributes in the order they were recorded.
    #[must_use]
    pub fn attributes(&self) -> &[KeyValue] {
        &self.0.attributes
    }

    /// Returns the value of an attribute. If the key was recorded several times, the last value is returned.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        find(&self.0.attributes, key)
    }

    /// Returns the events.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.0.events
    }

    /// Returns the estimated size in bytes, as [`CollectorBuilder::memory_limit`] counts it.
    ///
    /// The size includes scope and resource. Spans may share them in memory, but JSON and other output contain them once
    /// for each span.
    ///
    /// [`CollectorBuilder::memory_limit`]: crate::CollectorBuilder::memory_limit
    #[must_use]
    pub fn weight(&self) -> usize {
        let fields = &*self.0;
        let events = fields
            .events
            .iter()
            .map(|it| size_of::<Event>() + it.name.len() + weight(&it.attributes));
        let links = fields
            .links
            .iter()
            .map(|it| size_of::<Link>() + weight(&it.attributes));
        let status = match &fields.status {
            Status::Error { description } => description.len(),
            Status::Unset | Status::Ok => 0,
        };
        size_of::<Fields>()
            + fields.trace_state.len()
            + fields.name.len()
            + fields.scope.len()
            + status
            + fields.resource.weight
            + weight(&fields.attributes)
            + events.sum::<usize>()
            + links.sum::<usize>()
    }

    /// Returns the links.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.0.links
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// The contents of a [`Span`], which its clones share.
#[derive(Debug, PartialEq)]
pub(crate) struct Fields {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) parent_span_id: Option<SpanId>,
    pub(crate) parent_is_remote: Option<bool>,
    pub(crate) trace_flags: TraceFlags,
    pub(crate) trace_state: String,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    pub(crate) resource: Arc<Resource>,
    pub(crate) scope: Arc<str>,
    pub(crate) start: SystemTime,
    pub(crate) end: SystemTime,
    pub(crate) status: Status,
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) events: Vec<Event>,
    pub(crate) links: Vec<Link>,
}

impl From<Fields> for Span {
    fn from(fields: Fields) -> Self {
        Self(Arc::new(fields))
    }
}

/// The attributes of a resource, whose weight is computed once for all spans that share them.
#[derive(Debug, PartialEq)]
pub(crate) struct Resource {
    attributes: Vec<KeyValue>,
    weight: usize,
}

impl From<Vec<KeyValue>> for Resource {
    fn from(attributes: Vec<KeyValue>) -> Self {
        let weight = weight(&attributes);
        Self { attributes, weight }
    }
}

fn weight(attributes: &[KeyValue]) -> usize {
    attributes
        .iter()
        .map(|it| size_of::<KeyValue>() + it.key.as_str().len() + value_weight(&it.value))
        .sum()
}

/// Returns the bytes that a value takes in addition to those of its enum.
fn value_weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.as_str().len(),
        Value::Array(Array::String(texts)) => texts
            .iter()
            .map(|text| size_of_val(text) + text.as_str().len())
            .sum(),
        Value::Array(Array::Bool(values)) => values.len(),
        Value::Array(Array::I64(values)) => size_of_val(values.as_slice()),
        Value::Array(Array::F64(values)) => size_of_val(values.as_slice()),
        _ => 0,
    }
}

/// Returns the kind in capital letters, as the specification writes it.
pub(crate) fn kind_name(kind: &SpanKind) -> &'static str {
    match kind {
        SpanKind::Client => "CLIENT",
        SpanKind::Server => "SERVER",
        SpanKind::Producer => "PRODUCER",
        SpanKind::Consumer => "CONSUMER",
        SpanKind::Internal => "INTERNAL",
    }
}

fn find<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes
        .iter()
        .rev()
        .find(|attribute| attribute.key.as_str() == key)
        .map(|attribute| &attribute.value)
}
