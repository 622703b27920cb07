//! Calls of functions that the application has configured.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls a function of the application. If it panics, the panic is caught and the request continues without its result.
#[inline]
pub(crate) fn call<T>(option: &'static str, function: impl FnOnce() -> T) -> Option<T> {
    let result = catch_unwind(AssertUnwindSafe(function));
    if result.is_err() {
        tracing::warn!(
            "the function of `{option}` panicked; the request continues without its result"
        );
    }
    result.ok()
}
