//! Response headers that name the trace of a request.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use otel_core::propagation::Traceparent;

/// A response header that names the trace of the request. Baggage is never sent back.
///
/// The header is not written into a response that a shared cache may keep, because the cache would send it to other callers; see
/// `otel_tower::ServerLayer::response_header`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceHeader {
    /// `traceresponse: 00-<trace id>-<span id>-<flags>`, which drafts of W3C Trace Context had before `Server-Timing`.
    TraceResponse,
    /// `Server-Timing: trace;desc=00-<trace id>-<span id>-<flags>`, the draft of W3C Trace Context level 3. Scripts in a browser can
    /// read it. The handler's own `Server-Timing` stays.
    ServerTiming,
    /// `x-trace-id: <trace id>`, for people and support forms.
    TraceId,
    /// `traceparent: 00-<trace id>-<span id>-<flags>`, for clients and gateways that read the header of requests in responses too. It
    /// replaces a `traceparent` of the handler.
    Traceparent,
}

impl TraceHeader {
    pub(super) fn write(self, context: &Context, headers: &mut HeaderMap) {
        let Some(traceparent) = Traceparent::from_context(context) else {
            return;
        };
        let text = match self {
            Self::TraceResponse | Self::Traceparent => traceparent.to_string(),
            Self::TraceId => traceparent.trace_id().to_string(),
            Self::ServerTiming => format!("trace;desc={traceparent}"),
        };
        let Ok(value) = HeaderValue::try_from(text) else {
            return;
        };
        // These fail only if the map has its maximum of tens of thousands of entries.
        let _ = match self {
            Self::TraceResponse => headers.try_insert(&TRACERESPONSE, value).map(drop),
            Self::Traceparent => headers.try_insert(&TRACEPARENT, value).map(drop),
            Self::TraceId => headers.try_insert(&X_TRACE_ID, value).map(drop),
            Self::ServerTiming => headers.try_append(&SERVER_TIMING, value).map(drop),
        };
    }
}

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");
static SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
static X_TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
