//! What became of all that was to be exported.

use crate::ledger::Counts;

/// How many spans have ended, by what became of them.
///
/// Every recorded span that has ended is in exactly one of the four numbers; they are read one after the other, so that
/// they add up when no span ends meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpanCounts {
    /// Spans that the endpoint has taken.
    pub exported: u64,
    /// Spans that found the queue full, or ended after the shutdown.
    pub dropped: u64,
    /// Spans whose export has failed for good.
    pub lost: u64,
    /// Spans that wait in the queue or are on their way.
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

/// How many log records there were for the exporter, by what became of them; the lines are written in any case.
///
/// Every record is in exactly one of the four numbers; they are read one after the other, so that they add up when
/// nothing is logged meanwhile. Needs the feature `logs`.
#[cfg(feature = "logs")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogCounts {
    /// Records that the endpoint has taken.
    pub exported: u64,
    /// Records that found the queue full, or were logged after the shutdown.
    pub dropped: u64,
    /// Records whose export has failed for good.
    pub lost: u64,
    /// Records that wait in the queue or are on their way.
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
