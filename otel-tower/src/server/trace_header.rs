//! Response headers that tell the caller which trace its request is in.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::SpanContext;
use otel_core::propagation::Traceparent;

/// A response header that names the request's trace. Baggage is never sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceHeader {
    /// `traceresponse: 00-<trace id>-<span id>-<flags>`, the draft of W3C Trace Context.
    TraceResponse,
    /// `Server-Timing: traceparent;desc="00-<trace id>-<span id>-<flags>"`, which scripts in a browser can read. Added to
    /// what the handler has put there.
    ServerTiming,
    /// `x-trace-id: <trace id>`, for people and support forms.
    TraceId,
}

impl TraceHeader {
    pub(crate) fn write(self, span: &SpanContext, headers: &mut HeaderMap) {
        let traceparent = || Traceparent::from_span_context(span).map(|it| it.to_string());
        match self {
            Self::TraceResponse => insert(headers, &TRACERESPONSE, traceparent()),
            Self::TraceId => insert(headers, &X_TRACE_ID, Some(span.trace_id().to_string())),
            Self::ServerTiming => {
                let metric = traceparent().map(|it| format!("traceparent;desc=\"{it}\""));
                if let Some(value) = metric.and_then(value) {
                    // Fails only for a map with its tens of thousands of entries full.
                    let _ = headers.try_append(&SERVER_TIMING, value);
                }
            }
        }
    }
}

fn insert(headers: &mut HeaderMap, name: &'static HeaderName, text: Option<String>) {
    if let Some(value) = text.and_then(value) {
        let _ = headers.try_insert(name, value);
    }
}

fn value(text: String) -> Option<HeaderValue> {
    HeaderValue::try_from(text).ok()
}

static TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");
static SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
static X_TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
