//! What becomes of each span and log record: exported, dropped or lost, and saying so without flooding the log.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};

use crate::signal::Signal;

/// Everything that was to be exported is in exactly one of the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) exported: u64,
    pub(crate) dropped: u64,
    pub(crate) lost: u64,
    pub(crate) waiting: u64,
}

/// Shared by the processor, which admits spans or log records, and the exporter behind it, which takes them out.
pub(crate) struct Ledger {
    signal: Signal,
    queue: u64,
    queued: AtomicU64,
    on_their_way: AtomicU64,
    exported: AtomicU64,
    dropped: AtomicU64,
    lost: AtomicU64,
    is_closed: AtomicBool,
    report: Mutex<Report>,
}

/// What the log has been told.
struct Report {
    interval: Duration,
    last: Option<Instant>,
    dropped: u64,
    lost: u64,
    /// All that was missed when an outage began.
    failing_from: Option<u64>,
}

impl Ledger {
    pub(crate) fn new(signal: Signal, queue: usize, interval: Duration) -> Self {
        Self {
            signal,
            queue: queue as u64,
            queued: AtomicU64::new(0),
            on_their_way: AtomicU64::new(0),
            exported: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
            report: Mutex::new(Report {
                interval,
                last: None,
                dropped: 0,
                lost: 0,
                failing_from: None,
            }),
        }
    }

    /// Whether one more may enter the queue; if not, it is counted as dropped.
    pub(crate) fn admit(&self) -> bool {
        let is_queue_full = self.queued.fetch_add(1, Ordering::AcqRel) >= self.queue;
        let is_admitted = !is_queue_full && !self.is_closed.load(Ordering::Relaxed);
        if !is_admitted {
            self.queued.fetch_sub(1, Ordering::AcqRel);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        is_admitted
    }

    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// A batch has left the queue.
    pub(crate) fn take(&self, batch: u64) {
        self.on_their_way.fetch_add(batch, Ordering::Relaxed);
        self.queued.fetch_sub(batch, Ordering::AcqRel);
    }

    pub(crate) fn exported(&self, batch: u64) {
        self.exported.fetch_add(batch, Ordering::Relaxed);
        self.on_their_way.fetch_sub(batch, Ordering::Relaxed);
        let mut report = self.report();
        if let Some(before) = report.failing_from.take() {
            let lost = self.missed() - before;
            report.tell(self.counts());
            tracing::warn!(target: "otel_setup", lost, "{} are exported again", self.signal);
        } else {
            self.report_losses(&mut report);
        }
    }

    pub(crate) fn failed(&self, batch: u64, error: &dyn fmt::Display) {
        let mut report = self.report();
        let before = self.missed();
        self.lost.fetch_add(batch, Ordering::Relaxed);
        self.on_their_way.fetch_sub(batch, Ordering::Relaxed);
        if report.failing_from.is_none() {
            report.failing_from = Some(before);
            let (queue_full, lost) = report.tell(self.counts());
            tracing::error!(
                target: "otel_setup",
                %error,
                queue_full,
                lost,
                "{} cannot be exported and are lost until the OTLP endpoint answers; see \
                 OTEL_EXPORTER_OTLP_ENDPOINT",
                self.signal
            );
        } else {
            self.report_losses(&mut report);
        }
    }

    /// Says what has not been said when nothing more is to come.
    pub(crate) fn close_report(&self) {
        // As on the exporters' threads: what telemetry says of itself is a line, and never a log record.
        let _own = Context::enter_telemetry_suppressed_scope();
        let mut report = self.report();
        report.interval = Duration::ZERO;
        self.report_losses(&mut report);
        let waiting = self.counts().waiting;
        if waiting > 0 {
            tracing::warn!(
                target: "otel_setup",
                lost = waiting,
                "the flush limit was reached before all {} were exported",
                self.signal
            );
        }
    }

    /// Flushes the batch processor behind this ledger. Returns an error if any of its batches was lost: the SDK returns the result of
    /// the last one.
    pub(crate) fn flush(&self, force_flush: impl FnOnce() -> OTelSdkResult) -> OTelSdkResult {
        let before = self.lost.load(Ordering::Relaxed);
        force_flush()?;
        match self.lost.load(Ordering::Relaxed) - before {
            0 => Ok(()),
            lost => Err(OTelSdkError::InternalFailure(format!(
                "{lost} {} were lost",
                self.signal
            ))),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let queued = self.queued.load(Ordering::Acquire);
        Counts {
            exported: self.exported.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
            waiting: queued + self.on_their_way.load(Ordering::Relaxed),
        }
    }

    /// Once per interval, and only where there is something new.
    fn report_losses(&self, report: &mut Report) {
        let counts = self.counts();
        let is_new = counts.dropped > report.dropped || counts.lost > report.lost;
        let is_due = report
            .last
            .is_none_or(|last| last.elapsed() >= report.interval);
        if is_new && is_due {
            let (queue_full, export_failed) = report.tell(counts);
            tracing::warn!(
                target: "otel_setup",
                queue_full,
                export_failed,
                "{} were lost; see {} and OTEL_EXPORTER_OTLP_ENDPOINT",
                self.signal,
                self.signal.processor_variable("MAX_QUEUE_SIZE")
            );
        }
    }

    fn missed(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed) + self.lost.load(Ordering::Relaxed)
    }

    fn report(&self) -> std::sync::MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report {
    /// Remembers what is said now; returns what is new in it, dropped and lost.
    fn tell(&mut self, counts: Counts) -> (u64, u64) {
        let new = (counts.dropped - self.dropped, counts.lost - self.lost);
        self.last = Some(Instant::now());
        self.dropped = counts.dropped;
        self.lost = counts.lost;
        new
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ledger").field(&self.counts()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_span_is_in_one_number() {
        let ledger = Ledger::new(Signal::Traces, 3, Duration::ZERO);
        let admitted = (0..5).filter(|_| ledger.admit()).count();
        assert_eq!(admitted, 3);
        ledger.take(2);
        assert!(ledger.admit());
        ledger.exported(1);
        ledger.failed(1, &"down");
        ledger.close();
        assert!(!ledger.admit());
        let expected = Counts {
            exported: 1,
            dropped: 3,
            lost: 1,
            waiting: 2,
        };
        assert_eq!(ledger.counts(), expected);
    }

    #[test]
    fn a_flush_fails_if_any_of_its_batches_was_lost() {
        let ledger = Ledger::new(Signal::Traces, 10, Duration::ZERO);
        let flushed = ledger.flush(|| {
            assert!(ledger.admit() && ledger.admit());
            ledger.take(1);
            ledger.failed(1, &"refused");
            ledger.take(1);
            ledger.exported(1);
            Ok(())
        });
        assert!(flushed.is_err());
        assert!(ledger.flush(|| Ok(())).is_ok(), "an earlier loss");
    }

    #[test]
    fn none_is_counted_twice_or_not_at_all_when_all_threads_end_spans() {
        let ledger = Ledger::new(Signal::Traces, 100, Duration::from_secs(3600));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        if ledger.admit() {
                            ledger.take(1);
                            ledger.exported(1);
                        }
                    }
                });
            }
        });
        let counts = ledger.counts();
        assert_eq!(counts.exported + counts.dropped, 8000);
        assert_eq!(counts.waiting, 0);
    }
}
