//! An OTLP receiver on 127.0.0.1 for tests, demos and probes.

mod error;
mod grpc;
mod http;
mod server;
mod store;

use std::{sync::Arc, time::Duration};

use opentelemetry::TraceId;

pub use self::error::CollectorError;
use self::{server::Server, store::Store};
use crate::{error::TimeoutError, log_line::LogLine, span::Span, trace::Trace, watched::Watched};

/// Receives spans and log records of other processes over OTLP: HTTP/protobuf and gRPC, with or without gzip.
///
/// The receiver listens on 127.0.0.1 only, on its own thread, until it is dropped. So it works in synchronous programs and
/// in async tests. It is meant for tests and demos: spans and log records are kept in memory up to a limit. Metrics are
/// accepted and dropped.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let collector = otel_testkit::Collector::start()?;
/// let endpoint = collector.http_endpoint(); // the service's OTEL_EXPORTER_OTLP_ENDPOINT
/// assert!(endpoint.starts_with("http://127.0.0.1:"));
///
/// let late = collector.wait_for(|traces| traces.len() == 1, Duration::from_millis(10));
/// assert_eq!(
///     late.unwrap_err().to_string(),
///     "the condition was not met within 10ms; no span was seen",
/// );
/// # Ok::<(), otel_testkit::CollectorError>(())
/// ```
#[derive(Debug)]
pub struct Collector {
    store: Arc<Watched<Store>>,
    server: Server,
}

impl Collector {
    /// Starts a receiver on two free ports that keeps up to 100,000 spans in up to 256 MiB.
    ///
    /// # Errors
    ///
    /// Returns an error if no port or thread is available.
    pub fn start() -> Result<Self, CollectorError> {
        Self::builder().start()
    }

    /// Returns a builder for a receiver with other settings.
    pub fn builder() -> CollectorBuilder {
        CollectorBuilder {
            http_port: 0,
            grpc_port: 0,
            span_limit: DEFAULT_SPAN_LIMIT,
            memory_limit: DEFAULT_MEMORY_LIMIT,
            body_limit: DEFAULT_BODY_LIMIT,
        }
    }

    /// Returns the base URL for OTLP over HTTP. Exporters append `/v1/traces`.
    #[must_use]
    pub fn http_endpoint(&self) -> String {
        format!("http://{}", self.server.http)
    }

    /// Returns the URL for OTLP over gRPC.
    #[must_use]
    pub fn grpc_endpoint(&self) -> String {
        format!("http://{}", self.server.grpc)
    }

    /// Returns the received spans, in no particular order.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.store.read(Store::spans)
    }

    /// Returns the number of spans that are kept.
    #[must_use]
    pub fn span_count(&self) -> usize {
        self.store.read(|store| store.len)
    }

    /// Returns all traces. The trace that started first comes first.
    #[must_use]
    pub fn traces(&self) -> Vec<Trace> {
        Trace::group(self.spans())
    }

    /// Returns the spans of a trace that have arrived so far, or `None` if no span has arrived.
    #[must_use]
    pub fn trace(&self, id: TraceId) -> Option<Trace> {
        self.traces().into_iter().find(|trace| trace.id() == id)
    }

    /// Stops the receiver and returns the received spans, including those of exports in flight.
    #[must_use]
    pub fn stop(self) -> Vec<Span> {
        let Self { store, server } = self;
        drop(server);
        store.read(Store::spans)
    }

    /// Waits until the received traces meet `condition`, and returns them.
    ///
    /// The condition is evaluated now and after each export. This method blocks its thread: in an async test whose runtime
    /// has one thread, no other task runs during the wait.
    ///
    /// # Errors
    ///
    /// Returns an error that shows all traces if they do not meet the condition within `limit`.
    pub fn wait_for(
        &self,
        mut condition: impl FnMut(&[Trace]) -> bool,
        limit: Duration,
    ) -> Result<Vec<Trace>, TimeoutError> {
        self.store
            .wait(limit, || {
                let traces = self.traces();
                condition(&traces).then_some(traces)
            })
            .ok_or_else(|| TimeoutError::new(limit, &self.traces()))
    }

    /// Removes and returns the traces without a new span for `quiet`, which are probably finished.
    ///
    /// OTLP has no message for the end of a trace. If a span arrives later, it appears as another trace with the same id.
    #[must_use]
    pub fn take_finished(&self, quiet: Duration) -> Vec<Trace> {
        // An update wakes all waiting threads, so the store is updated only if a trace has finished.
        if self.store.read(|store| store.finished(quiet).is_empty()) {
            return Vec::new();
        }
        Trace::group(self.store.update(|store| store.take_finished(quiet)))
    }

    /// Returns the received log records as log lines, in the order they arrived.
    ///
    /// Each line has the fields that `otel_log` writes, the attributes of the record, and the field `resource`.
    #[must_use]
    pub fn logs(&self) -> Vec<LogLine> {
        self.store.read(Store::logs)
    }

    /// Removes all spans and log lines.
    pub fn clear(&self) {
        self.store.update(Store::clear);
    }

    /// Returns the number of spans that were dropped because of a limit.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.store.read(|store| store.dropped)
    }

    /// Returns the number of spans that were rejected because of an invalid trace, span or parent id.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.store.read(|store| store.rejected)
    }

    /// Returns the number of exports that were accepted and dropped: metrics, and logs in JSON.
    #[must_use]
    pub fn other_signals(&self) -> u64 {
        self.store.read(|store| store.other_signals)
    }
}

/// Builds a [`Collector`].
#[derive(Clone, Debug)]
#[must_use = "call `start` to start the receiver"]
pub struct CollectorBuilder {
    http_port: u16,
    grpc_port: u16,
    span_limit: usize,
    memory_limit: usize,
    body_limit: usize,
}

impl CollectorBuilder {
    /// Sets the port for HTTP, usually 4318. The default, 0, picks a free port.
    pub fn http_port(mut self, port: u16) -> Self {
        self.http_port = port;
        self
    }

    /// Sets the port for gRPC, usually 4317. The default, 0, picks a free port.
    pub fn grpc_port(mut self, port: u16) -> Self {
        self.grpc_port = port;
        self
    }

    /// Limits the number of spans that are kept. The default is 100,000.
    ///
    /// Above the limit, the trace without a new span for the longest time is dropped as a whole. If a single trace is larger
    /// than the limit, its later spans are dropped.
    pub fn span_limit(mut self, spans: usize) -> Self {
        self.span_limit = spans;
        self
    }

    /// Limits the estimated bytes of the spans, and separately of the log lines. The default is 256 MiB.
    ///
    /// Above the limit, spans are dropped as for [`span_limit`](Self::span_limit), and the oldest log lines.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// Limits the bytes of one export, both compressed and uncompressed. The default is 4 MiB.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Starts the receiver. When this method returns, the receiver accepts connections.
    ///
    /// # Errors
    ///
    /// Returns an error if a port is in use, or if no port or thread is available.
    pub fn start(self) -> Result<Collector, CollectorError> {
        let store = Arc::new(Watched::new(Store::new(self.span_limit, self.memory_limit)));
        let server = Server::start(self.http_port, self.grpc_port, self.body_limit, &store)?;
        Ok(Collector { store, server })
    }
}

const DEFAULT_SPAN_LIMIT: usize = 100_000;
const DEFAULT_MEMORY_LIMIT: usize = 256 * 1024 * 1024;
const DEFAULT_BODY_LIMIT: usize = 4 * 1024 * 1024;
