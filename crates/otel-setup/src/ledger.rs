//! Counts what happens to each span and log record, and reports losses without flooding the log.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};

use crate::signal::Signal;

/// Each span or log record to be exported is in exactly one of the four counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) exported: u64,
    pub(crate) dropped: u64,
    pub(crate) lost: u64,
    pub(crate) waiting: u64,
}

/// The counts of one signal. The processor and its exporter share them.
pub(crate) struct Ledger {
    signal: Signal,
    /// The size of the queue.
    queue: u64,
    queued: AtomicU64,
    in_flight: AtomicU64,
    exported: AtomicU64,
    dropped: AtomicU64,
    lost: AtomicU64,
    is_closed: AtomicBool,
    report: Mutex<Report>,
}

/// What has been reported so far.
struct Report {
    /// The shortest time between two reports of losses.
    interval: Duration,
    last: Option<Instant>,
    dropped: u64,
    lost: u64,
    /// The number of missed spans or log records when the current outage began.
    failing_from: Option<u64>,
}

impl Ledger {
    pub(crate) fn new(signal: Signal, queue: usize, interval: Duration) -> Self {
        Self {
            signal,
            queue: queue as u64,
            queued: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
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

    /// Returns `true` if the queue has room for one more. Otherwise counts a drop.
    pub(crate) fn admit(&self) -> bool {
        let is_queue_full = self.queued.fetch_add(1, Ordering::AcqRel) >= self.queue;
        let is_admitted = !is_queue_full && !self.is_closed.load(Ordering::Relaxed);
        if !is_admitted {
            self.queued.fetch_sub(1, Ordering::AcqRel);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        is_admitted
    }

    /// Counts everything from now on as dropped.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// Notes that a batch has left the queue and is being exported.
    pub(crate) fn take(&self, batch: u64) {
        self.in_flight.fetch_add(batch, Ordering::Relaxed);
        self.queued.fetch_sub(batch, Ordering::AcqRel);
    }

    /// Counts a batch as exported, and reports the end of an outage.
    pub(crate) fn exported(&self, batch: u64) {
        self.exported.fetch_add(batch, Ordering::Relaxed);
        self.in_flight.fetch_sub(batch, Ordering::Relaxed);
        let mut report = self.report();
        if let Some(before) = report.failing_from.take() {
            let lost = self.missed() - before;
            report.take_new(self.counts());
            tracing::warn!(
                name: "export_recovered",
                target: "otel_setup",
                { event.name = "export_recovered", lost },
                "{} are exported again",
                self.signal
            );
        } else {
            self.report_losses(&mut report);
        }
    }

    /// Counts a batch as lost, and reports the start of an outage.
    pub(crate) fn failed(&self, batch: u64, error: &dyn fmt::Display) {
        let mut report = self.report();
        let before = self.missed();
        self.lost.fetch_add(batch, Ordering::Relaxed);
        self.in_flight.fetch_sub(batch, Ordering::Relaxed);
        if report.failing_from.is_none() {
            report.failing_from = Some(before);
            let (queue_full, lost) = report.take_new(self.counts());
            tracing::error!(
                name: "export_failed",
                target: "otel_setup",
                { event.name = "export_failed", %error, queue_full, lost },
                "{} cannot be exported and are lost until the OTLP endpoint answers; see \
                 OTEL_EXPORTER_OTLP_ENDPOINT",
                self.signal
            );
        } else {
            self.report_losses(&mut report);
        }
    }

    /// Writes the last report: losses that were not reported yet, and the number that the flush limit has cut off.
    pub(crate) fn close_report(&self) {
        // As on the exporting threads: reports about telemetry itself are log lines only, never log records.
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        let mut report = self.report();
        report.interval = Duration::ZERO;
        self.report_losses(&mut report);
        let waiting = self.counts().waiting;
        if waiting > 0 {
            tracing::warn!(
                name: "flush_limit_reached",
                target: "otel_setup",
                { event.name = "flush_limit_reached", lost = waiting },
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

    /// Returns the current counts.
    pub(crate) fn counts(&self) -> Counts {
        let queued = self.queued.load(Ordering::Acquire);
        Counts {
            exported: self.exported.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
            waiting: queued + self.in_flight.load(Ordering::Relaxed),
        }
    }

    /// Reports new losses, at most once per interval.
    fn report_losses(&self, report: &mut Report) {
        let counts = self.counts();
        let is_new = counts.dropped > report.dropped || counts.lost > report.lost;
        let is_due = report
            .last
            .is_none_or(|last| last.elapsed() >= report.interval);
        if is_new && is_due {
            let (queue_full, export_failed) = report.take_new(counts);
            tracing::warn!(
                name: "telemetry_lost",
                target: "otel_setup",
                { event.name = "telemetry_lost", queue_full, export_failed },
                "{} were lost; see {} and OTEL_EXPORTER_OTLP_ENDPOINT",
                self.signal,
                self.signal.processor_variable("MAX_QUEUE_SIZE")
            );
        }
    }

    /// Returns how many spans or log records were not exported and never will be.
    fn missed(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed) + self.lost.load(Ordering::Relaxed)
    }

    fn report(&self) -> std::sync::MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report {
    /// Marks these counts as reported. Returns how many were dropped and lost since the last report.
    fn take_new(&mut self, counts: Counts) -> (u64, u64) {
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
    fn each_span_is_in_one_count() {
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
    fn each_span_is_counted_once_if_many_threads_end_spans() {
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
