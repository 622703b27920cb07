//! Calls of functions that the application has configured.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls a function of the application. If it panics, the panic is caught and the request continues without its result.
#[inline]
pub(crate) fn call<T>(option: &'static str, function: impl FnOnce() -> T) -> Option<T> {
    let result = catch_unwind(AssertUnwindSafe(function));
    let payload = match result {
        Ok(result) => return Some(result),
        Err(payload) => payload,
    };
    // The payload is the application's too, so its `drop` may panic again.
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(again);
    }
    tracing::warn!(
        name: "callback_panicked",
        { event.name = "callback_panicked" },
        "the function of `{option}` panicked; the request continues without its result"
    );
    None
}
