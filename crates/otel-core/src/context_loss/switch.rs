//! Whether detection is on.

use std::sync::atomic::{AtomicBool, Ordering};

static IS_ON: AtomicBool = AtomicBool::new(false);

pub(super) fn set(is_on: bool) {
    IS_ON.store(is_on, Ordering::Relaxed);
}

/// Returns `true` if detection is on in this process.
#[inline]
#[must_use]
pub fn is_started() -> bool {
    IS_ON.load(Ordering::Relaxed)
}
