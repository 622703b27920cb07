//! What became of the lines.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Counts of a layer, for a health page or a metric; taken with [`Layer::counts`](crate::Layer::counts).
#[derive(Debug, Clone, Default)]
pub struct Counts(Arc<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    failed: AtomicU64,
    limited: AtomicU64,
}

impl Counts {
    /// Returns how many lines could not be written.
    ///
    /// The first of them is also reported on standard error. A writer that keeps lines for later counts its own.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// Returns how many lines the rate limit has kept back.
    #[must_use]
    pub fn rate_limited(&self) -> u64 {
        self.0.limited.load(Ordering::Relaxed)
    }

    /// Whether it is the first.
    pub(crate) fn line_failed(&self) -> bool {
        self.0.failed.fetch_add(1, Ordering::Relaxed) == 0
    }

    pub(crate) fn line_limited(&self) {
        self.0.limited.fetch_add(1, Ordering::Relaxed);
    }
}
