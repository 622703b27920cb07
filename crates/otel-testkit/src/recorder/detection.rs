//! A suite of tests in which any loss of context is a failure.

use std::thread;

use otel_core::context_loss;

use crate::assertions::assert_no_context_loss;

/// Looks for losses since it began, when it is dropped.
#[derive(Debug)]
pub(super) struct Detection {
    before: u64,
}

impl Detection {
    /// `None` where the environment does not ask for it.
    pub(super) fn begin() -> Option<Self> {
        if !context_loss::is_requested_by_env() {
            return None;
        }
        context_loss::start();
        let before = context_loss::total();
        Some(Self { before })
    }
}

impl Drop for Detection {
    /// A test that has failed already is left to its own words.
    fn drop(&mut self) {
        if context_loss::total() > self.before && !thread::panicking() {
            assert_no_context_loss();
        }
    }
}
