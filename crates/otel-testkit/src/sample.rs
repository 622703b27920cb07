//! Spans with fixed ids and times, for the tests of this crate.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use opentelemetry::{
    KeyValue, SpanId, TraceFlags, TraceId, Value,
    trace::{Event, Link, SpanKind, Status},
};

use crate::{
    span::{Fields, Span},
    trace::Trace,
};

const TRACE_ID: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;

/// Starts a span. Times are in microseconds; parent 0 means that the span is a root.
pub(crate) fn span(id: u64, parent: u64, name: &str, start: u64, end: u64) -> Sample {
    Sample(Fields {
        trace_id: TraceId::from(TRACE_ID),
        span_id: SpanId::from(id),
        parent_span_id: (parent != 0).then(|| SpanId::from(parent)),
        parent_is_remote: None,
        trace_flags: TraceFlags::SAMPLED,
        trace_state: String::new(),
        name: name.to_owned(),
        kind: SpanKind::Internal,
        resource: Arc::new(Vec::new().into()),
        scope: "".into(),
        start: UNIX_EPOCH + Duration::from_micros(start),
        end: UNIX_EPOCH + Duration::from_micros(end),
        status: Status::Unset,
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
    })
}

pub(crate) struct Sample(Fields);

impl Sample {
    pub(crate) fn kind(mut self, kind: SpanKind) -> Self {
        self.0.kind = kind;
        self
    }

    pub(crate) fn service(mut self, name: impl Into<Value>) -> Self {
        self.0.resource = Arc::new(vec![KeyValue::new("service.name", name)].into());
        self
    }

    pub(crate) fn trace(mut self, id: u128) -> Self {
        self.0.trace_id = TraceId::from(id);
        self
    }

    pub(crate) fn attribute(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.0.attributes.push(KeyValue::new(key, value));
        self
    }

    pub(crate) fn error(mut self, description: impl Into<Cow<'static, str>>) -> Self {
        self.0.status = Status::error(description);
        self
    }

    pub(crate) fn event(mut self, event: Event) -> Self {
        self.0.events.push(event);
        self
    }

    pub(crate) fn link(mut self, link: Link) -> Self {
        self.0.links.push(link);
        self
    }

    pub(crate) fn trace_state(mut self, header: &str) -> Self {
        self.0.trace_state = header.to_owned();
        self
    }

    pub(crate) fn build(self) -> Span {
        self.0.into()
    }
}

/// One request over two services.
pub(crate) fn checkout() -> Vec<Span> {
    let code = "http.response.status_code";
    vec![
        span(1, 0, "GET /checkout/{cart}", 0, 12_300)
            .kind(SpanKind::Server)
            .service("gateway")
            .attribute(code, 200)
            .build(),
        span(2, 1, "price the cart", 300, 12_100)
            .service("gateway")
            .build(),
        span(3, 2, "GET", 700, 11_700)
            .kind(SpanKind::Client)
            .service("gateway")
            .attribute(code, 200)
            .build(),
        span(4, 3, "GET /quote/{sku}", 4_700, 6_800)
            .kind(SpanKind::Server)
            .service("pricing")
            .attribute(code, 200)
            .build(),
        span(5, 4, "SELECT quotes", 5_000, 6_100)
            .kind(SpanKind::Client)
            .service("pricing")
            .build(),
    ]
}

pub(crate) fn trace(spans: Vec<Span>) -> Trace {
    let mut traces = Trace::group(spans);
    assert_eq!(traces.len(), 1);
    traces.remove(0)
}
