//! The guard: what was set up, until it is dropped.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::ledger::SpanCounts;
use crate::traces::Traces;

/// Keeps the export alive; flushes what is left when it is dropped, within a time limit.
///
/// Bind it in `main` to a name that lives to the end: `let telemetry = otel_setup::init("checkout")?;`. The drop takes
/// at most [`Builder::flush_limit`](crate::Builder::flush_limit), 5 seconds unless changed, also when the endpoint
/// hangs.
#[derive(Debug)]
#[must_use = "spans are flushed when this is dropped: bind it to a name that lives until the end of main"]
pub struct Telemetry {
    traces: Option<Traces>,
    meter_provider: Option<SdkMeterProvider>,
    flush_limit: Duration,
}

impl Telemetry {
    pub(crate) fn new(
        traces: Option<Traces>,
        meter_provider: Option<SdkMeterProvider>,
        flush_limit: Duration,
    ) -> Self {
        Self {
            traces,
            meter_provider,
            flush_limit,
        }
    }

    /// The tracer provider, also set as the global one. `None` where the SDK is disabled.
    #[must_use]
    pub fn tracer_provider(&self) -> Option<&SdkTracerProvider> {
        self.traces.as_ref().map(|traces| &traces.provider)
    }

    /// The meter provider, also set as the global one. `None` where the SDK is disabled or metrics go nowhere.
    #[must_use]
    pub fn meter_provider(&self) -> Option<&SdkMeterProvider> {
        self.meter_provider.as_ref()
    }

    /// What became of the spans so far. `None` where the SDK is disabled.
    #[must_use]
    pub fn span_counts(&self) -> Option<SpanCounts> {
        self.traces.as_ref().map(|traces| traces.ledger.counts())
    }

    /// Exports what has been recorded so far and stops, within the time limit; returns what became of all spans.
    ///
    /// The same happens when the guard is dropped. `None` where the SDK is disabled.
    #[expect(
        clippy::must_use_candidate,
        reason = "the numbers are there for who wants them"
    )]
    pub fn shutdown(mut self) -> Option<SpanCounts> {
        self.stop();
        self.span_counts()
    }

    fn stop(&mut self) {
        let deadline = Instant::now() + self.flush_limit;
        // Metrics beside spans, on a thread: the SDK gives their shutdown a limit of its own.
        let metrics = self.meter_provider.take().map(|provider| {
            let (sender, done) = mpsc::channel();
            let limit = self.flush_limit;
            thread::spawn(move || {
                let _ = provider.shutdown_with_timeout(limit);
                let _ = sender.send(());
            });
            done
        });
        if let Some(traces) = &self.traces {
            // The exporter has reported what it could not deliver; at the end of main no one is left to handle it. A
            // second shutdown is an error that does nothing.
            let _ = traces.provider.shutdown_with_timeout(self.flush_limit);
        }
        if let Some(metrics) = metrics {
            let _ = metrics.recv_timeout(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.stop();
    }
}
