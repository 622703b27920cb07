//! A test suite in which each loss of context fails a test.

use std::thread;

use otel_core::context_loss;

use crate::assertions::assert_no_context_loss;

/// Fails the test when it is dropped if context was lost since its creation.
#[derive(Debug)]
pub(super) struct ContextLossCheck {
    losses_before: u64,
}

impl ContextLossCheck {
    /// Starts the detection of context loss. Returns `None` if the environment does not enable it.
    pub(super) fn from_env() -> Option<Self> {
        if !context_loss::is_requested_by_env() {
            return None;
        }
        context_loss::start();
        let losses_before = context_loss::total();
        Some(Self { losses_before })
    }
}

impl Drop for ContextLossCheck {
    /// Does nothing if the test has already failed.
    fn drop(&mut self) {
        if context_loss::total() > self.losses_before && !thread::panicking() {
            assert_no_context_loss();
        }
    }
}
