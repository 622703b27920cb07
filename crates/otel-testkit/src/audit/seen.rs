//! Which spans are of the audit's own requests: others say nothing of what becomes of their secrets.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};

use crate::{span::Span, trace::Trace};

/// What there is to know the requests' spans by.
#[derive(Clone, Debug)]
pub(super) struct Signs {
    /// The user agent, which most instrumentations record.
    pub(super) mark: String,
    /// Nothing was sent before.
    made: SystemTime,
}

impl Signs {
    pub(super) fn fresh() -> Self {
        let id = RandomIdGenerator::default().new_span_id();
        Self {
            mark: format!("otel-probe/{id}"),
            made: SystemTime::now(),
        }
    }

    pub(super) fn are_in(&self, traces: &[Trace]) -> bool {
        let marked = |trace: &Trace| trace.spans().iter().any(|span| self.is_marked(span));
        let in_time = |trace: &Trace| trace.roots().into_iter().any(|span| self.is_in_time(span));
        traces.iter().any(|trace| marked(trace) || in_time(trace))
    }

    fn is_marked(&self, span: &Span) -> bool {
        let mut attributes = span.attributes().iter();
        // Captured headers are lists.
        attributes.any(|it| it.value.as_str().contains(&self.mark))
    }

    /// For instrumentations that do not record the user agent.
    fn is_in_time(&self, span: &Span) -> bool {
        let has_agent = AGENTS.iter().any(|key| span.attribute(key).is_some());
        *span.kind() == SpanKind::Server && !has_agent && span.start() + SLACK >= self.made
    }
}

const AGENTS: [&str; 2] = ["user_agent.original", "http.user_agent"];
/// Clocks are read in different processes.
const SLACK: Duration = Duration::from_millis(2);
