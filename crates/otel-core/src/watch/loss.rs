use std::fmt;

/// The ways in which context gets lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LossKind {
    /// A call went out without a parent while requests were being served: the work was spawned without its context.
    CallWithoutParent,
    /// A context was still active on the thread after its request had ended: a guard was held across an `.await`.
    ContextAfterRequest,
    /// A request began on a thread where the context of another one was active, and became its child or sibling.
    RequestInsideRequest,
}

impl LossKind {
    pub(super) const ALL: [Self; 3] = [
        Self::CallWithoutParent,
        Self::ContextAfterRequest,
        Self::RequestInsideRequest,
    ];

    /// Returns the name in reports and metrics: `call_without_parent`, `context_after_request`,
    /// `request_inside_request`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CallWithoutParent => "call_without_parent",
            Self::ContextAfterRequest => "context_after_request",
            Self::RequestInsideRequest => "request_inside_request",
        }
    }

    /// Returns the section of the guide that shows this loss and its repair.
    #[must_use]
    pub fn guide(self) -> &'static str {
        match self {
            Self::CallWithoutParent => "docs/context-loss.md#call_without_parent",
            Self::ContextAfterRequest => "docs/context-loss.md#context_after_request",
            Self::RequestInsideRequest => "docs/context-loss.md#request_inside_request",
        }
    }

    pub(super) fn message(self) -> &'static str {
        match self {
            Self::CallWithoutParent => {
                "a call went out without a parent while requests were being served"
            }
            Self::ContextAfterRequest => {
                "a context was still active on this thread after its request had ended"
            }
            Self::RequestInsideRequest => {
                "a request began where the context of another one was active"
            }
        }
    }
}

/// Context lost at one place, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    kind: LossKind,
    place: Place,
    count: u64,
}

/// Where it showed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) span: String,
    pub(super) target: &'static str,
    pub(super) thread: String,
}

impl Loss {
    pub(super) fn new(kind: LossKind, place: Place, count: u64) -> Self {
        Self { kind, place, count }
    }

    /// Returns the way in which it was lost.
    #[must_use]
    pub fn kind(&self) -> LossKind {
        self.kind
    }

    /// Returns the name of the span at which it showed: the request's, or the call's.
    #[must_use]
    pub fn span(&self) -> &str {
        &self.place.span
    }

    /// Returns the instrumentation that saw it, such as `otel_tower`.
    #[must_use]
    pub fn target(&self) -> &'static str {
        self.place.target
    }

    /// Returns the name of the thread on which it showed, or its number where it has none.
    #[must_use]
    pub fn thread(&self) -> &str {
        &self.place.thread
    }

    /// Returns how often it showed at this place.
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
            target,
            thread,
        } = place;
        let (name, message, guide) = (kind.as_str(), kind.message(), kind.guide());
        write!(
            f,
            "{name}: {message} ({span}, {target}, thread {thread}, {count} times; {guide})"
        )
    }
}
