//! The counts of spans and log records that applications read.

use crate::ledger::Counts;

/// The number of spans that have ended, by what happened to them.
///
/// Every recorded span that has ended is in exactly one of the four counts. The counts are read one after the other, so they add up
/// if no span ends in the meantime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpanCounts {
    /// Spans that the endpoint has accepted.
    pub exported: u64,
    /// Spans that ended while the queue was full, or after the shutdown.
    pub dropped: u64,
    /// Spans whose export failed after all retries.
    pub lost: u64,
    /// Spans that are in the queue or are being exported.
    pub waiting: u64,
}

impl From<Counts> for SpanCounts {
    fn from(counts: Counts) -> Self {
        Self {
            exported: counts.exported,
            dropped: counts.dropped,
            lost: counts.lost,
            waiting: counts.waiting,
        }
    }
}

/// The number of log records, by what happened to them. The log lines are written in any case.
///
/// Every record is in exactly one of the four counts. The counts are read one after the other, so they add up if nothing is logged
/// in the meantime. Requires the feature `logs`.
#[cfg(feature = "logs")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogCounts {
    /// Records that the endpoint has accepted.
    pub exported: u64,
    /// Records that were logged while the queue was full, or after the shutdown.
    pub dropped: u64,
    /// Records whose export failed after all retries.
    pub lost: u64,
    /// Records that are in the queue or are being exported.
    pub waiting: u64,
}

#[cfg(feature = "logs")]
impl From<Counts> for LogCounts {
    fn from(counts: Counts) -> Self {
        Self {
            exported: counts.exported,
            dropped: counts.dropped,
            lost: counts.lost,
            waiting: counts.waiting,
        }
    }
}
