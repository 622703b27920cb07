//! Counts lines that were not written.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// The counts of a layer, for a health page or a metric. Returned by [`Layer::counts`](crate::Layer::counts).
#[derive(Debug, Clone, Default)]
pub struct Counts(Arc<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    failed: AtomicU64,
    rate_limited: AtomicU64,
}

impl Counts {
    /// Returns how many lines could not be written.
    ///
    /// The first failure is also reported on standard error. A writer that buffers lines counts its own failures, as
    /// [`BufferedWriter::lost`](crate::BufferedWriter::lost) does.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// Returns how many lines [`Layer::rate_limit`](crate::Layer::rate_limit) suppressed.
    #[must_use]
    pub fn rate_limited(&self) -> u64 {
        self.0.rate_limited.load(Ordering::Relaxed)
    }

    /// Counts a line that could not be written. Returns whether it is the first.
    pub(crate) fn add_failed(&self) -> bool {
        self.0.failed.fetch_add(1, Ordering::Relaxed) == 0
    }

    pub(crate) fn add_rate_limited(&self) {
        self.0.rate_limited.fetch_add(1, Ordering::Relaxed);
    }
}
