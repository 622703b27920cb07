//! What code can set about the export of a signal.

use std::fmt;
use std::time::Duration;

/// Where a signal goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exporter {
    /// To the OTLP endpoint.
    Otlp,
    /// To standard output, for development. Needs the feature `console`.
    Console,
    /// Nowhere.
    None,
}

/// The transport of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// Protobuf over HTTP.
    HttpProtobuf,
    /// Protobuf over gRPC. Needs the feature `grpc`.
    Grpc,
}

impl Protocol {
    /// Returns the protocol's name in `OTEL_EXPORTER_OTLP_PROTOCOL`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::HttpProtobuf => "http/protobuf",
            Self::Grpc => "grpc",
        }
    }
}

/// The compression of exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Exports are not compressed.
    None,
    /// Exports are compressed with gzip. Over HTTP it needs the feature `gzip`.
    Gzip,
}

/// The export of one signal, or of all signals.
///
/// Environment variables win over these settings, and the settings of a signal win over those for all signals.
///
/// ```
/// use otel_setup::{Export, Protocol};
///
/// let export = Export::new()
///     .endpoint("http://collector:4317")
///     .protocol(Protocol::Grpc);
/// # drop(export);
/// ```
#[derive(Clone, Default)]
#[must_use = "pass it to `Builder::export`, or to the method of a signal"]
pub struct Export {
    pub(crate) endpoint: Option<String>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) compression: Option<Compression>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) queue: Option<usize>,
    pub(crate) batch: Option<usize>,
    pub(crate) delay: Option<Duration>,
}

impl Export {
    /// Creates settings that change nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the URL of the OTLP endpoint. Default: `http://localhost:4318`, with gRPC `http://localhost:4317`.
    ///
    /// For all signals it is a base URL: over HTTP, paths such as `/v1/traces` are appended. For one signal it is used as it is.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Sets the transport. Default: [`Protocol::HttpProtobuf`].
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// Sets the compression. Default: [`Compression::None`].
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// Limits the time of an export with its retries. Default: 10 seconds. Zero means no limit.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Adds a header to each export. A header of the same name in `OTEL_EXPORTER_OTLP_HEADERS` wins.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Limits how many spans or log records wait for their export. Default: 2048. Metrics have no queue.
    pub fn max_queue_size(mut self, count: usize) -> Self {
        self.queue = Some(count);
        self
    }

    /// Limits how many spans or log records one export has. Default: 512, and at most the size of the queue.
    pub fn max_export_batch_size(mut self, count: usize) -> Self {
        self.batch = Some(count);
        self
    }

    /// Sets the time between two exports. Default: 5 seconds for spans, 1 second for log records, 60 seconds for metrics.
    pub fn schedule_delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// Returns these settings, and where they set nothing, those for all signals. The endpoint is only the signal's own.
    pub(crate) fn or(&self, for_all: &Self) -> Self {
        Self {
            endpoint: self.endpoint.clone(),
            protocol: self.protocol.or(for_all.protocol),
            compression: self.compression.or(for_all.compression),
            timeout: self.timeout.or(for_all.timeout),
            headers: [&*for_all.headers, &*self.headers].concat(),
            queue: self.queue.or(for_all.queue),
            batch: self.batch.or(for_all.batch),
            delay: self.delay.or(for_all.delay),
        }
    }
}

impl fmt::Debug for Export {
    // Endpoints and header values may contain keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Export")
            .field("protocol", &self.protocol)
            .field("compression", &self.compression)
            .field("timeout", &self.timeout)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}
