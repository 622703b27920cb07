//! The guard: it keeps the export running until it is dropped.

use std::mem;
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::global;
#[cfg(feature = "logs")]
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_core::redact::{self, Secrets};
use otel_core::{context_loss, deliberate};
use tracing::dispatcher::{self, Dispatch};

#[cfg(feature = "logs")]
use crate::counts::LogCounts;
use crate::counts::SpanCounts;
use crate::flusher::Flusher;
use crate::lines::{FilterHandle, LineFilter};
#[cfg(feature = "logs")]
use crate::logs::Logs;
use crate::propagator::Propagator;
use crate::secret_metrics::RedactingMeterProvider;
use crate::start_line::StartLine;
use crate::traces::Traces;
use crate::warning::Warnings;

/// Keeps the export running. When it is dropped, it flushes the remaining telemetry, within a time limit.
///
/// Bind it in `main` to a name that lives to the end: `let _telemetry = otel_setup::init("checkout")?;`. The drop takes at most
/// [`Builder::flush_limit`](crate::Builder::flush_limit), by default 5 seconds, also if the endpoint hangs.
#[derive(Debug)]
#[must_use = "spans are flushed when this is dropped: bind it to a name that lives until the end of main"]
pub struct Telemetry {
    pub(crate) traces: Option<Traces>,
    pub(crate) meter_provider: Option<SdkMeterProvider>,
    #[cfg(feature = "logs")]
    pub(crate) logs: Option<Logs>,
    pub(crate) flush_limit: Duration,
    pub(crate) flusher: OnceLock<Arc<Flusher>>,
    pub(crate) log_filter: LineFilter,
    /// `None` until everything is built.
    pub(crate) globals: Option<Globals>,
    is_stopped: bool,
}

/// What is set for the whole process.
#[derive(Debug)]
pub(crate) struct Globals {
    pub(crate) propagator: Propagator,
    /// The list of the program. Without it, that of the process applies.
    pub(crate) secrets: Option<Secrets>,
    pub(crate) detects_context_loss: bool,
    pub(crate) warnings: Warnings,
    pub(crate) start_line: StartLine,
}

impl Telemetry {
    /// Creates a guard of nothing.
    pub(crate) fn new(flush_limit: Duration, log_filter: LineFilter) -> Self {
        Self {
            traces: None,
            meter_provider: None,
            #[cfg(feature = "logs")]
            logs: None,
            flush_limit,
            flusher: OnceLock::new(),
            log_filter,
            globals: None,
            is_stopped: false,
        }
    }

    /// Sets the global providers and the propagator, and writes the warnings and the start line. Returns the guard.
    ///
    /// Call it after your subscriber is installed, so that the lines are written. [`init`](crate::init) does both.
    pub fn install_globals(self) -> Self {
        let Some(globals) = &self.globals else {
            return self;
        };
        if globals.detects_context_loss {
            context_loss::start();
        }
        if let Some(secrets) = &globals.secrets {
            // An earlier list of the process stays.
            let _ = redact::set_default(secrets.clone());
        }
        // OpenTelemetry logs each call. The start line says the same.
        dispatcher::with_default(&Dispatch::none(), || self.set_globals(globals));
        globals.warnings.log();
        globals.start_line.log();
        self
    }

    fn set_globals(&self, globals: &Globals) {
        // A disabled SDK still propagates what callers send.
        global::set_text_map_propagator(globals.propagator.clone());
        deliberate::set_propagation_chosen();
        match &self.traces {
            Some(traces) => global::set_tracer_provider(traces.provider.clone()),
            None => deliberate::set_traces_off(),
        }
        if let Some(provider) = &self.meter_provider {
            let secrets = globals.secrets.clone().unwrap_or_default();
            let provider = RedactingMeterProvider::new(provider.clone(), secrets);
            global::set_meter_provider(provider);
        }
    }

    /// Returns the tracer provider, which is also the global one. Returns `None` if the SDK is disabled.
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

    /// Returns how many spans were exported, dropped and lost so far. Returns `None` if the SDK is disabled.
    ///
    /// With several exporters these are the counts of the OTLP exporter, or without it of the last
    /// [`Builder::span_exporter`](crate::Builder::span_exporter).
    #[must_use]
    pub fn span_counts(&self) -> Option<SpanCounts> {
        let traces = self.traces.as_ref();
        traces.map(|traces| traces.ledger.counts().into())
    }

    /// Returns the logger provider, for bridges of other log crates. `tracing` and the `log` crate have theirs.
    ///
    /// Returns `None` if the SDK is disabled or log records go nowhere. Needs the feature `logs`.
    #[cfg(feature = "logs")]
    #[must_use]
    pub fn logger_provider(&self) -> Option<&SdkLoggerProvider> {
        self.logs.as_ref().map(|logs| &logs.provider)
    }

    /// Returns how many log records were exported, dropped and lost so far.
    ///
    /// Returns `None` if the SDK is disabled or log records go nowhere. Needs the feature `logs`.
    #[cfg(feature = "logs")]
    #[must_use]
    pub fn log_counts(&self) -> Option<LogCounts> {
        self.logs.as_ref().map(|logs| logs.ledger.counts().into())
    }

    /// Returns a handle that changes at run time which log lines are written.
    ///
    /// It works for the lines of [`init`](crate::init), and with a subscriber of your own for layers behind
    /// [`SetUp::log_filter`](crate::SetUp::log_filter).
    #[must_use]
    pub fn filter_handle(&self) -> FilterHandle {
        self.log_filter.handle()
    }

    /// Exports what has been recorded so far and stops, within the time limit. Returns what became of all spans.
    ///
    /// The same happens when the guard is dropped. Returns `None` if the SDK is disabled.
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
        // In parallel with the spans, so that an endpoint that hangs takes no time from another.
        if let Some(provider) = self.meter_provider.take() {
            others.extend(beside(move || provider.shutdown_with_timeout(limit)));
        }
        #[cfg(feature = "logs")]
        if let Some(logs) = &self.logs {
            let provider = logs.provider.clone();
            others.extend(beside(move || provider.shutdown_with_timeout(limit)));
        }
        if let Some(traces) = &self.traces {
            // The exporter has reported what it could not deliver. At the end of main nothing else can be done.
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

/// Runs the work on a separate thread, and sends a message when it is done. The SDK gives some shutdowns a limit of their own.
///
/// Returns `None` if no thread can be started. The spans are flushed anyway.
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
        if let Some(globals) = &self.globals {
            globals.warnings.print();
        }
    }
}
