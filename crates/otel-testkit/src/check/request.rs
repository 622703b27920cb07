//! The requests of a check: one for each format, sampled and not sampled, and some with an invalid context.

use std::time::SystemTime;

use axum::http::{Error, Request, header};
use opentelemetry::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};

use crate::probe_request::unique_user_agent;

/// The format of a request's context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Format {
    TraceContext,
    B3,
    B3Multi,
    None,
}

impl Format {
    /// Returns the name in `OTEL_PROPAGATORS`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::TraceContext => "tracecontext",
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
            Self::None => "none",
        }
    }
}

/// The sampling decision of a request's context, or why the context has no decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Decision {
    Sampled,
    NotSampled,
    Malformed,
    Absent,
}

impl Decision {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Sampled => "sampled",
            Self::NotSampled => "not sampled",
            Self::Malformed => "malformed",
            Self::Absent => "",
        }
    }
}

/// The contexts of the requests to a URL, in this order.
pub(super) const CONTEXTS: [(Format, Decision); 9] = [
    (Format::TraceContext, Decision::Sampled),
    (Format::TraceContext, Decision::NotSampled),
    (Format::TraceContext, Decision::Malformed),
    (Format::B3, Decision::Sampled),
    (Format::B3, Decision::NotSampled),
    (Format::B3, Decision::Malformed),
    (Format::B3Multi, Decision::Sampled),
    (Format::B3Multi, Decision::NotSampled),
    (Format::None, Decision::Absent),
];

/// One request, with everything that identifies its spans.
#[derive(Clone, Debug)]
pub(super) struct CheckRequest {
    pub(super) url: String,
    pub(super) format: Format,
    pub(super) decision: Decision,
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) user_agent: String,
    pub(super) sent: SystemTime,
    pub(super) answered: SystemTime,
    pub(super) status: u16,
}

impl CheckRequest {
    /// Creates a request that has not been sent.
    pub(super) fn new(url: &str, (format, decision): (Format, Decision)) -> Self {
        let ids = RandomIdGenerator::default();
        let now = SystemTime::now();
        Self {
            url: url.to_owned(),
            format,
            decision,
            trace_id: ids.new_trace_id(),
            span_id: ids.new_span_id(),
            user_agent: unique_user_agent(),
            sent: now,
            answered: now,
            status: 0,
        }
    }

    /// Returns format and decision, such as `b3 not sampled`.
    pub(super) fn context(&self) -> String {
        let context = format!("{} {}", self.format.as_str(), self.decision.as_str());
        context.trim_end().to_owned()
    }

    /// Creates the HTTP request.
    pub(super) fn to_http(&self) -> Result<Request<String>, Error> {
        let mut request = Request::get(&self.url).header(header::USER_AGENT, &self.user_agent);
        for (name, value) in self.context_headers() {
            request = request.header(name, value);
        }
        request.body(String::new())
    }

    fn context_headers(&self) -> Vec<(&'static str, String)> {
        let Self {
            trace_id, span_id, ..
        } = self;
        let sampled = u8::from(self.decision != Decision::NotSampled);
        match (self.format, self.decision) {
            // Capital letters, which only a lenient reader accepts (W3C Trace Context, trace-id).
            (Format::TraceContext, Decision::Malformed) => {
                let trace_id = trace_id.to_string().to_uppercase();
                vec![("traceparent", format!("00-{trace_id}-{span_id}-01"))]
            }
            (Format::TraceContext, _) => {
                vec![("traceparent", format!("00-{trace_id}-{span_id}-0{sampled}"))]
            }
            // A span id that is too short.
            (Format::B3, Decision::Malformed) => {
                let span_id: String = span_id.to_string().chars().skip(2).collect();
                vec![("b3", format!("{trace_id}-{span_id}-1"))]
            }
            (Format::B3, _) => vec![("b3", format!("{trace_id}-{span_id}-{sampled}"))],
            (Format::B3Multi, _) => vec![
                ("x-b3-traceid", trace_id.to_string()),
                ("x-b3-spanid", span_id.to_string()),
                ("x-b3-sampled", sampled.to_string()),
            ],
            (Format::None, _) => Vec::new(),
        }
    }
}
