//! An OTLP receiver on 127.0.0.1 for tests, demos and probes.

mod error;
mod grpc;
mod http;
mod server;
mod store;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use opentelemetry::TraceId;

pub use self::error::CollectorError;
use self::{server::Server, store::Store};
use crate::{log_line::LogLine, span::Span, trace::Trace, watched::TimedOut};

/// Receives the spans of other processes over OTLP, by HTTP/protobuf and by gRPC, plain or gzipped.
///
/// It listens on 127.0.0.1 only, on a thread of its own, until it is dropped; so it serves synchronous programs and
/// async tests alike. It is made for tests and demos: spans are kept in memory, up to a limit. Logs are kept as
/// well; metrics are accepted and dropped.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let collector = otel_testkit::Collector::start()?;
/// let endpoint = collector.http_endpoint(); // for OTEL_EXPORTER_OTLP_ENDPOINT of the process to watch
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
    store: Arc<Store>,
    server: Server,
}

impl Collector {
    /// Starts a receiver on two free ports that keeps 100,000 spans in 256 MiB.
    ///
    /// # Errors
    ///
    /// Returns an error if the system gives no port or no thread.
    pub fn start() -> Result<Self, CollectorError> {
        Self::builder().start()
    }

    /// Creates a builder for a receiver with other settings.
    pub fn builder() -> CollectorBuilder {
        CollectorBuilder {
            http_port: 0,
            grpc_port: 0,
            span_limit: DEFAULT_SPAN_LIMIT,
            memory_limit: DEFAULT_MEMORY_LIMIT,
            body_limit: DEFAULT_BODY_LIMIT,
        }
    }

    /// Returns the base URL for OTLP over HTTP, to which exporters add `/v1/traces`.
    #[must_use]
    pub fn http_endpoint(&self) -> String {
        url(self.server.http_addr())
    }

    /// Returns the URL for OTLP over gRPC.
    #[must_use]
    pub fn grpc_endpoint(&self) -> String {
        url(self.server.grpc_addr())
    }

    /// Returns all spans that are kept, in no particular order.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.store.spans()
    }

    /// Returns how many spans are kept, without a copy of them.
    #[must_use]
    pub fn span_count(&self) -> usize {
        self.store.span_count()
    }

    /// Returns all traces; the one that started first comes first.
    #[must_use]
    pub fn traces(&self) -> Vec<Trace> {
        self.store.traces()
    }

    /// Returns what has arrived of one trace.
    #[must_use]
    pub fn trace(&self, id: TraceId) -> Option<Trace> {
        self.store.trace(id)
    }

    /// Stops listening and returns all spans that are kept, also those that arrived at the last moment.
    #[must_use]
    pub fn stop(self) -> Vec<Span> {
        let Self { store, server } = self;
        drop(server);
        store.spans()
    }

    /// Waits until `condition` holds for the traces that have arrived, and returns them.
    ///
    /// It is asked now and after each export. The thread is blocked meanwhile: in an async test whose runtime has one
    /// thread, nothing else of that test runs.
    ///
    /// # Errors
    ///
    /// Returns an error with the pictures of all traces if the condition does not hold within `limit`.
    pub fn wait_for(
        &self,
        condition: impl FnMut(&[Trace]) -> bool,
        limit: Duration,
    ) -> Result<Vec<Trace>, TimedOut> {
        self.store.wait_for(condition, limit)
    }

    /// Removes and returns the traces of which nothing has arrived for `quiet`: those that are most likely finished.
    ///
    /// OTLP does not say when a trace has ended. A span that comes later starts what looks like another trace with the
    /// same id.
    #[must_use]
    pub fn take_finished(&self, quiet: Duration) -> Vec<Trace> {
        self.store.take_finished(quiet)
    }

    /// Returns the log lines that are kept, in the order they arrived.
    ///
    /// Each has the fields that `otel_log` writes, the record's attributes, and `resource`.
    #[must_use]
    pub fn logs(&self) -> Vec<LogLine> {
        self.store.logs()
    }

    /// Forgets all spans and log lines.
    pub fn clear(&self) {
        self.store.clear();
    }

    /// Returns how many spans were dropped to stay within the limit.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.store.dropped()
    }

    /// Returns how many spans were rejected since their trace, span or parent id was not one.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.store.rejected()
    }

    /// Returns how many exports of metrics, and of logs in JSON, were accepted and dropped.
    #[must_use]
    pub fn other_signals(&self) -> u64 {
        self.store.other_signals()
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
    /// Sets the port for HTTP, usually 4318; the default 0 takes a free one.
    pub fn http_port(mut self, port: u16) -> Self {
        self.http_port = port;
        self
    }

    /// Sets the port for gRPC, usually 4317; the default 0 takes a free one.
    pub fn grpc_port(mut self, port: u16) -> Self {
        self.grpc_port = port;
        self
    }

    /// Sets how many spans are kept, 100,000 by default.
    ///
    /// When more arrive, the trace that has been quiet for the longest time is dropped whole; of a single trace that is
    /// larger than the limit, the spans that arrive last.
    pub fn span_limit(mut self, spans: usize) -> Self {
        self.span_limit = spans;
        self
    }

    /// Sets how many bytes the spans that are kept may take, by estimate, 256 MiB by default; log lines may take as many
    /// again.
    ///
    /// When more arrive, the same is dropped as for [`span_limit`](Self::span_limit), and the oldest log lines.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// Sets how many bytes one export may have, compressed and uncompressed, 4 MiB by default.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Starts the receiver; it accepts connections when this returns.
    ///
    /// # Errors
    ///
    /// Returns an error that names the port if it is in use, and one if the system gives no port or no thread.
    pub fn start(self) -> Result<Collector, CollectorError> {
        let store = Arc::new(Store::new(self.span_limit, self.memory_limit));
        let server = Server::start(&self, &store)?;
        Ok(Collector { store, server })
    }
}

fn url(addr: SocketAddr) -> String {
    format!("http://{addr}")
}

const DEFAULT_SPAN_LIMIT: usize = 100_000;
const DEFAULT_MEMORY_LIMIT: usize = 256 * 1024 * 1024;
const DEFAULT_BODY_LIMIT: usize = 4 * 1024 * 1024;
