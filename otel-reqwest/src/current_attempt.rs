//! The attempt that this thread polls, by which a middleware further in knows that the attempt has a span.

use std::cell::Cell;
use std::ptr;

use http::Extensions;

/// The attempt of these extensions, which all middlewares of the attempt share. Marking the extensions would allocate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttemptId(usize);

impl AttemptId {
    pub(crate) fn new(extensions: &Extensions) -> Self {
        Self(ptr::from_ref(extensions).addr())
    }

    /// Makes this attempt the one that the thread polls, until the guard is dropped.
    pub(crate) fn enter(self) -> Entered {
        Entered(CURRENT.replace(self.0))
    }

    /// Returns `true` if a middleware further out has opened the span of this attempt.
    pub(crate) fn is_traced(self) -> bool {
        CURRENT.get() == self.0
    }
}

/// Restores the attempt that the thread polled before, also on a panic.
#[must_use]
pub(crate) struct Entered(usize);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

thread_local! {
    static CURRENT: Cell<usize> = const { Cell::new(0) };
}
