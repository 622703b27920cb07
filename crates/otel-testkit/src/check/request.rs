//! The requests of a check: one for each format, sampled and not, and some that are broken.

use std::time::SystemTime;

use axum::http::{Request, Uri, header, uri::InvalidUri};
use opentelemetry::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};

/// How the context of a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Format {
    TraceContext,
    B3,
    B3Multi,
    None,
}

impl Format {
    /// Returns the name that `OTEL_PROPAGATORS` uses.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::TraceContext => "tracecontext",
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
            Self::None => "none",
        }
    }
}

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

/// What is asked, in this order.
pub(super) const CASES: [(Format, Decision); 9] = [
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

/// One request, and what there is to know its spans by.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) url: String,
    pub(super) format: Format,
    pub(super) decision: Decision,
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    /// In the user agent, which most instrumentations record.
    pub(super) mark: String,
    pub(super) sent: SystemTime,
    pub(super) answered: SystemTime,
    pub(super) status: u16,
}

impl Asked {
    pub(super) fn new(url: &str, (format, decision): (Format, Decision)) -> Self {
        let ids = RandomIdGenerator::default();
        let now = SystemTime::now();
        Self {
            url: url.to_owned(),
            format,
            decision,
            trace_id: ids.new_trace_id(),
            span_id: ids.new_span_id(),
            mark: format!("otel-probe/{}", ids.new_span_id()),
            sent: now,
            answered: now,
            status: 0,
        }
    }

    pub(super) fn request(&self) -> Result<Request<String>, InvalidUri> {
        let uri: Uri = self.url.parse()?;
        let mut request = Request::new(String::new());
        *request.uri_mut() = uri;
        let mut set = |name: &'static str, value: String| {
            if let Ok(value) = value.parse() {
                request.headers_mut().insert(name, value);
            }
        };
        set(header::USER_AGENT.as_str(), self.mark.clone());
        let Self {
            trace_id, span_id, ..
        } = self;
        let sampled = u8::from(self.decision != Decision::NotSampled);
        match (self.format, self.decision) {
            // Capital letters (W3C Trace Context, trace-id), which a lenient reader takes.
            (Format::TraceContext, Decision::Malformed) => {
                let trace_id = trace_id.to_string().to_uppercase();
                set("traceparent", format!("00-{trace_id}-{span_id}-01"));
            }
            (Format::TraceContext, _) => {
                set("traceparent", format!("00-{trace_id}-{span_id}-0{sampled}"));
            }
            // A span id that is too short.
            (Format::B3, Decision::Malformed) => {
                let span_id: String = span_id.to_string().chars().skip(2).collect();
                set("b3", format!("{trace_id}-{span_id}-1"));
            }
            (Format::B3, _) => set("b3", format!("{trace_id}-{span_id}-{sampled}")),
            (Format::B3Multi, _) => {
                set("x-b3-traceid", trace_id.to_string());
                set("x-b3-spanid", span_id.to_string());
                set("x-b3-sampled", sampled.to_string());
            }
            (Format::None, _) => {}
        }
        Ok(request)
    }
}
