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
    /// A span of another trace was entered in carried work: it was made before the carried context was active.
    SpanOutsideContext,
}

impl LossKind {
    pub(super) const ALL: [Self; 4] = [
        Self::CallWithoutParent,
        Self::ContextAfterRequest,
        Self::RequestInsideRequest,
        Self::SpanOutsideContext,
    ];

    /// Returns the name in reports and metrics: `call_without_parent`, `context_after_request`,
    /// `request_inside_request`, `span_outside_context`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CallWithoutParent => "call_without_parent",
            Self::ContextAfterRequest => "context_after_request",
            Self::RequestInsideRequest => "request_inside_request",
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
pub(super) struct Place {
    pub(super) span: String,
    pub(super) instrumentation: &'static str,
    pub(super) thread: String,
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

    /// Returns the name of the request's or the call's span.
    #[must_use]
    pub fn span(&self) -> &str {
        &self.place.span
    }

    /// Returns the name of the instrumentation that detected it, such as `otel_tower`.
    #[must_use]
    pub fn instrumentation(&self) -> &str {
        self.place.instrumentation
    }

    /// Returns the name of the thread, or its number if the thread has no name.
    #[must_use]
    pub fn thread(&self) -> &str {
        &self.place.thread
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
        let Place {
            span,
            instrumentation,
            thread,
        } = place;
        let (name, message, guide) = (kind.as_str(), kind.message(), kind.guide());
        write!(
            f,
            "{name}: {message} ({span}, {instrumentation}, thread {thread}, {count} times; {guide})"
        )
    }
}
