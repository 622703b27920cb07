//! Whether the active OpenTelemetry context of a thread can be read and replaced.

use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry::{Context, ContextGuard};

/// Returns `false` if the thread is ending and its OpenTelemetry context is already destroyed.
///
/// Reading the context after its destruction panics, which ends the process, and the API has no `try_` form. The locals of a
/// thread are destroyed in the reverse order of their first use, so a local that is created after the context is destroyed before
/// it.
#[must_use]
#[inline]
pub fn is_alive() -> bool {
    AFTER_CONTEXT
        .try_with(|after| after.is_created)
        .unwrap_or(false)
}

/// Makes a context active until the guard is dropped. It does nothing if the thread is ending and contexts are destroyed.
#[must_use]
#[inline]
pub fn attach(context: &Context) -> Option<ContextGuard> {
    is_alive().then(|| context.clone().attach())
}

struct AfterContext {
    is_created: bool,
}

impl Drop for AfterContext {
    /// Without a destructor, the thread local could still be read after the context is destroyed.
    fn drop(&mut self) {
        self.is_created = false;
    }
}

thread_local! {
    static AFTER_CONTEXT: AfterContext = AfterContext {
        // Fails if the context was used and destroyed before the first call on the thread.
        is_created: catch_unwind(AssertUnwindSafe(|| Context::map_current(|_| ()))).is_ok(),
    };
}
