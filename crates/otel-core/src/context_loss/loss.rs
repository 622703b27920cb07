//! What is known of a loss.

use std::fmt;

/// The kinds of context loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LossKind {
    /// A call was sent without a parent while requests were in flight: its task was spawned without the context.
    CallWithoutParent,
    /// A context was still active on the thread after its request had ended: a guard was held across an `.await`.
    ContextAfterRequest,
    /// A request began on a thread where the context of another request was active.
    RequestInsideRequest,
    /// A `traceparent` header was refused, such as two lines or an id of zeros.
    RefusedTraceparent,
    /// A `tracestate` header was refused. The trace is continued without it.
    RefusedTracestate,
    /// A `b3` header or the `X-B3-*` headers were refused.
    RefusedB3,
    /// A B3 caller sent `b3: 0` without ids, as a Go process without a tracer provider does.
    B3DenyWithoutIds,
    /// A span of another trace was entered in carried work: it was made before the carried context was active.
    SpanOutsideContext,
}

impl LossKind {
    pub(super) const ALL: [Self; 8] = [
        Self::CallWithoutParent,
        Self::ContextAfterRequest,
        Self::RequestInsideRequest,
        Self::RefusedTraceparent,
        Self::RefusedTracestate,
        Self::RefusedB3,
        Self::B3DenyWithoutIds,
        Self::SpanOutsideContext,
    ];

    /// Returns the name in reports and metrics: the variant's name in snake case, such as `call_without_parent`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CallWithoutParent => "call_without_parent",
            Self::ContextAfterRequest => "context_after_request",
            Self::RequestInsideRequest => "request_inside_request",
            Self::RefusedTraceparent => "refused_traceparent",
            Self::RefusedTracestate => "refused_tracestate",
            Self::RefusedB3 => "refused_b3",
            Self::B3DenyWithoutIds => "b3_deny_without_ids",
            Self::SpanOutsideContext => "span_outside_context",
        }
    }

    /// Returns the section of the guide that shows this loss and how to fix it.
    #[must_use]
    pub fn guide(self) -> &'static str {
        match self {
            Self::CallWithoutParent => "docs/context-loss.md#call_without_parent",
            Self::ContextAfterRequest => "docs/context-loss.md#context_after_request",
            Self::RequestInsideRequest => "docs/context-loss.md#request_inside_request",
            Self::RefusedTraceparent => "docs/context-loss.md#refused_traceparent",
            Self::RefusedTracestate => "docs/context-loss.md#refused_tracestate",
            Self::RefusedB3 => "docs/context-loss.md#refused_b3",
            Self::B3DenyWithoutIds => "docs/context-loss.md#b3_deny_without_ids",
            Self::SpanOutsideContext => "docs/context-loss.md#span_outside_context",
        }
    }

    pub(super) fn message(self) -> &'static str {
        match self {
            Self::CallWithoutParent => {
                "a call was sent without a parent while requests were in flight"
            }
            Self::ContextAfterRequest => {
                "a context was still active on this thread after its request had ended"
            }
            Self::RequestInsideRequest => {
                "a request began while the context of another request was active"
            }
            Self::RefusedTraceparent => "a traceparent header was refused and counts as missing",
            Self::RefusedTracestate => {
                "a tracestate header was refused and counts as missing; the trace is continued"
            }
            Self::RefusedB3 => "a B3 header was refused and counts as missing",
            Self::B3DenyWithoutIds => {
                "a B3 caller sent its denial without ids: B3 demands that neither this request nor any call behind it is \
                 sampled"
            }
            Self::SpanOutsideContext => {
                "a span of another trace was entered in carried work, because it was made before the context was active"
            }
        }
    }
}

/// Context that was lost at one place, with the number of times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    kind: LossKind,
    place: Place,
    count: u64,
}

/// The place at which a loss was detected.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Span {
        name: String,
        instrumentation: &'static str,
        thread: String,
    },
    /// A header, whatever the request, with the reason why it was refused.
    Header { reason: String },
}

impl Loss {
    pub(super) fn new(kind: LossKind, place: Place, count: u64) -> Self {
        Self { kind, place, count }
    }

    /// Returns the kind of the loss.
    #[must_use]
    pub fn kind(&self) -> LossKind {
        self.kind
    }

    /// Returns the name of the request's or the call's span. It is empty if a header was lost.
    #[must_use]
    pub fn span(&self) -> &str {
        match &self.place {
            Place::Span { name, .. } => name,
            Place::Header { .. } => "",
        }
    }

    /// Returns the name of the instrumentation that detected it, such as `otel_tower`.
    #[must_use]
    pub fn instrumentation(&self) -> &str {
        match &self.place {
            Place::Span {
                instrumentation, ..
            } => instrumentation,
            Place::Header { .. } => "otel_core",
        }
    }

    /// Returns the name of the thread, or its number if the thread has no name. It is empty if a header was lost.
    #[must_use]
    pub fn thread(&self) -> &str {
        match &self.place {
            Place::Span { thread, .. } => thread,
            Place::Header { .. } => "",
        }
    }

    /// Returns the reason why a header was refused, such as `traceparent: trace-id is all zeros`.
    ///
    /// It never contains the header's value. It is `None` for other kinds of loss.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match &self.place {
            Place::Span { .. } => None,
            Place::Header { reason } => Some(reason),
        }
    }

    /// Returns how often context was lost at this place.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, place, count } = self;
        let (name, message, guide) = (kind.as_str(), kind.message(), kind.guide());
        write!(f, "{name}: {message} (")?;
        match place {
            Place::Span {
                name,
                instrumentation,
                thread,
            } => write!(f, "{name}, {instrumentation}, thread {thread}")?,
            Place::Header { reason } => f.write_str(reason)?,
        }
        write!(f, ", {count} times; {guide})")
    }
}
