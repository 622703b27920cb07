//! The guard: what was set up, until it is dropped.

use std::mem;
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(feature = "logs")]
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;

#[cfg(feature = "logs")]
use crate::counts::LogCounts;
use crate::counts::SpanCounts;
use crate::flusher::Flusher;
#[cfg(feature = "logs")]
use crate::logs::Logs;
use crate::traces::Traces;

/// Keeps the export alive; flushes what is left when it is dropped, within a time limit.
///
/// Bind it in `main` to a name that lives to the end: `let telemetry = otel_setup::init("checkout")?;`. The drop takes
/// at most [`Builder::flush_limit`](crate::Builder::flush_limit), 5 seconds unless changed, also when the endpoint
/// hangs.
#[derive(Debug)]
#[must_use = "spans are flushed when this is dropped: bind it to a name that lives until the end of main"]
pub struct Telemetry {
    pub(crate) traces: Option<Traces>,
    pub(crate) meter_provider: Option<SdkMeterProvider>,
    #[cfg(feature = "logs")]
    pub(crate) logs: Option<Logs>,
    pub(crate) flush_limit: Duration,
    pub(crate) flusher: OnceLock<Arc<Flusher>>,
    is_stopped: bool,
}

impl Telemetry {
    /// With nothing in it.
    pub(crate) fn new(flush_limit: Duration) -> Self {
        Self {
            traces: None,
            meter_provider: None,
            #[cfg(feature = "logs")]
            logs: None,
            flush_limit,
            flusher: OnceLock::new(),
            is_stopped: false,
        }
    }

    /// The tracer provider, also set as the global one. `None` where the SDK is disabled.
    #[must_use]
    pub fn tracer_provider(&self) -> Option<&SdkTracerProvider> {
        self.traces.as_ref().map(|traces| &traces.provider)
    }

    /// Returns the meter provider. Returns `None` if the SDK is disabled or no metrics are exported.
    ///
    /// The global meter provider uses it too, and hides secrets in attributes. Instruments made directly with the returned provider
    /// export all attributes unchanged.
    #[must_use]
    pub fn meter_provider(&self) -> Option<&SdkMeterProvider> {
        self.meter_provider.as_ref()
    }

    /// What became of the spans so far. `None` where the SDK is disabled.
    #[must_use]
    pub fn span_counts(&self) -> Option<SpanCounts> {
        let traces = self.traces.as_ref();
        traces.map(|traces| traces.ledger.counts().into())
    }

    /// The logger provider, for bridges of other log crates; those of `tracing` and of its `log` records are in place.
    ///
    /// `None` where the SDK is disabled or log records go nowhere. Needs the feature `logs`.
    #[cfg(feature = "logs")]
    #[must_use]
    pub fn logger_provider(&self) -> Option<&SdkLoggerProvider> {
        self.logs.as_ref().map(|logs| &logs.provider)
    }

    /// What became of the log records so far. `None` where the SDK is disabled or they go nowhere.
    ///
    /// Needs the feature `logs`.
    #[cfg(feature = "logs")]
    #[must_use]
    pub fn log_counts(&self) -> Option<LogCounts> {
        self.logs.as_ref().map(|logs| logs.ledger.counts().into())
    }

    /// Exports what has been recorded so far and stops, within the time limit; returns what became of all spans.
    ///
    /// The same happens when the guard is dropped. `None` where the SDK is disabled.
    pub fn shutdown(mut self) -> Option<SpanCounts> {
        self.stop();
        self.span_counts()
    }

    fn stop(&mut self) {
        if mem::replace(&mut self.is_stopped, true) {
            return;
        }
        let (start, limit) = (Instant::now(), self.flush_limit);
        let mut others = Vec::new();
        // Beside the spans, so that one endpoint that hangs takes no time from another.
        if let Some(provider) = self.meter_provider.take() {
            others.extend(beside(move || provider.shutdown_with_timeout(limit)));
        }
        #[cfg(feature = "logs")]
        if let Some(logs) = &self.logs {
            let provider = logs.provider.clone();
            others.extend(beside(move || provider.shutdown_with_timeout(limit)));
        }
        if let Some(traces) = &self.traces {
            // The exporter has reported what it could not deliver; at the end of main no one is left to handle it.
            let _ = traces.provider.shutdown_with_timeout(limit);
        }
        for done in others {
            let _ = done.recv_timeout(limit.saturating_sub(start.elapsed()));
        }
        #[cfg(feature = "logs")]
        if let Some(logs) = &self.logs {
            logs.ledger.close_report();
        }
    }
}

/// Does it on a thread of its own, and tells when it is done: the SDK gives some shutdowns a limit of their own.
///
/// `None` where there is no thread to be had: it may be why the process ends, and the spans are flushed all the same.
fn beside<T>(work: impl FnOnce() -> T + Send + 'static) -> Option<mpsc::Receiver<()>> {
    let (sender, done) = mpsc::channel();
    let work = move || {
        work();
        let _ = sender.send(());
    };
    thread::Builder::new().spawn(work).ok().map(|_| done)
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.stop();
    }
}
