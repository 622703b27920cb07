//! The trace in which carried work is expected to open its spans.

use std::cell::Cell;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, TraceId};

use super::switch::is_started;

/// Marks the trace of a context as the expected trace of this thread, until this is dropped.
#[derive(Debug)]
#[must_use = "the trace is expected only until this is dropped"]
pub struct ExpectedTrace {
    /// `None` while detection is off.
    previous: Option<Expected>,
}

#[derive(Debug, Clone, Copy)]
struct Expected {
    /// Zero if no trace is expected.
    trace: TraceId,
    is_instrumented: bool,
}

impl ExpectedTrace {
    /// Expects the trace of the span in this context, if there is a span. Does nothing while detection is off.
    ///
    /// `is_instrumented` returns `true` if the work is a future with a `tracing` span that was made before the context was active.
    #[inline]
    pub fn enter(context: &Context, is_instrumented: impl FnOnce() -> bool) -> Self {
        if !is_started() {
            return Self { previous: None };
        }
        let new = Expected {
            trace: context.span().span_context().trace_id(),
            is_instrumented: is_instrumented(),
        };
        Self {
            previous: Some(EXPECTED.replace(new)),
        }
    }

    /// Returns the trace that is expected on this thread.
    #[inline]
    #[must_use]
    pub fn get() -> Option<TraceId> {
        let trace = EXPECTED.get().trace;
        (trace != TraceId::INVALID).then_some(trace)
    }

    /// Returns the trace that is expected on this thread if the work is a future whose `tracing` span was made before.
    #[inline]
    #[must_use]
    pub fn of_instrumented() -> Option<TraceId> {
        Self::get().filter(|_| EXPECTED.get().is_instrumented)
    }
}

impl Drop for ExpectedTrace {
    #[inline]
    fn drop(&mut self) {
        if let Some(previous) = self.previous {
            EXPECTED.set(previous);
        }
    }
}

thread_local! {
    static EXPECTED: Cell<Expected> = const {
        Cell::new(Expected {
            trace: TraceId::INVALID,
            is_instrumented: false,
        })
    };
}
