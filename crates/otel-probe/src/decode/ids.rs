//! The ids and the sampling decision of a context, which every format can carry.

use opentelemetry::{SpanId, TraceId};
use otel_core::propagation::{B3, B3Sampling, Traceparent};

/// The part of a context that both W3C Trace Context and B3 carry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ids {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    sampling: B3Sampling,
    random: bool,
}

impl Ids {
    pub(super) fn from_traceparent(traceparent: &Traceparent) -> Self {
        let sampling = if traceparent.is_sampled() {
            B3Sampling::Accept
        } else {
            B3Sampling::Deny
        };
        Self {
            trace_id: traceparent.trace_id(),
            span_id: traceparent.parent_id(),
            sampling,
            random: traceparent.is_random(),
        }
    }

    /// Returns `None` if the value is only a sampling decision.
    pub(super) fn from_b3(b3: &B3) -> Option<Self> {
        let (trace_id, span_id) = b3.ids()?;
        Some(Self {
            trace_id,
            span_id,
            sampling: b3.sampling(),
            random: false,
        })
    }

    /// Returns whether the trace id has 64 bits, padded with zeros on the left.
    pub(super) fn has_short_trace_id(&self) -> bool {
        self.trace_id.to_bytes().starts_with(&[0; 8])
    }

    /// Returns the headers that carry this context in each format, as names and values.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let sampled = self.sampling != B3Sampling::Deny;
        let mut headers = Vec::new();
        if let Some(traceparent) = Traceparent::new(self.trace_id, self.span_id, sampled) {
            let value = traceparent.with_random(self.random).to_string();
            headers.push(("traceparent", value));
        }
        if let Some(b3) = B3::new(self.trace_id, self.span_id, self.sampling) {
            headers.push(("b3", b3.to_string()));
        }
        headers.push(("X-B3-TraceId", self.trace_id.to_string()));
        headers.push(("X-B3-SpanId", self.span_id.to_string()));
        match self.sampling {
            B3Sampling::Accept => headers.push(("X-B3-Sampled", "1".to_owned())),
            B3Sampling::Deny => headers.push(("X-B3-Sampled", "0".to_owned())),
            B3Sampling::Debug => headers.push(("X-B3-Flags", "1".to_owned())),
            _ => {}
        }
        headers
    }
}
