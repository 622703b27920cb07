//! Which spans belong to the audit's own requests. Other spans do not show what happens to the audit's secrets.

use std::time::SystemTime;

use opentelemetry::trace::SpanKind;

use crate::{
    probe_request::{CLOCK_SLACK, has_user_agent, unique_user_agent},
    span::Span,
    trace::Trace,
};

/// What identifies the spans of the requests.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    pub(super) user_agent: String,
    /// A time before the first request.
    created: SystemTime,
}

impl Signature {
    pub(super) fn new() -> Self {
        Self {
            user_agent: unique_user_agent(),
            created: SystemTime::now(),
        }
    }

    /// Returns whether a span belongs to a request.
    pub(super) fn is_in(&self, traces: &[Trace]) -> bool {
        traces.iter().any(|trace| {
            trace.spans().iter().any(|span| self.has_user_agent(span))
                || trace.roots().into_iter().any(|span| self.fits_time(span))
        })
    }

    /// Searches for the user agent within values too, since captured headers are lists.
    fn has_user_agent(&self, span: &Span) -> bool {
        let mut attributes = span.attributes().iter();
        attributes.any(|it| it.value.as_str().contains(&self.user_agent))
    }

    /// For instrumentations that do not record the user agent.
    fn fits_time(&self, span: &Span) -> bool {
        *span.kind() == SpanKind::Server
            && !has_user_agent(span)
            && span.start() + CLOCK_SLACK >= self.created
    }
}
