//! A suite of tests in which any loss of context is a failure.

use std::thread;

use otel_core::watch;

use crate::assertions::assert_no_context_loss;

/// Looks for losses since it began, when it is dropped.
#[derive(Debug)]
pub(super) struct Detection {
    before: u64,
}

impl Detection {
    /// `None` where the environment does not ask for it.
    pub(super) fn begin() -> Option<Self> {
        if !watch::is_asked_for() {
            return None;
        }
        watch::start();
        let before = watch::total();
        Some(Self { before })
    }
}

impl Drop for Detection {
    /// A test that has failed already is left to its own words.
    fn drop(&mut self) {
        if watch::total() > self.before && !thread::panicking() {
            assert_no_context_loss();
        }
    }
}
