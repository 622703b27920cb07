//! Flushes on demand.

use std::sync::Arc;

#[cfg(feature = "tower")]
use crate::flush_layer::FlushLayer;
use crate::flusher::Flusher;
use crate::telemetry::Telemetry;

impl Telemetry {
    /// Exports the spans, metrics and log records so far. Returns `true` if all of them were exported within
    /// [`Builder::flush_limit`](crate::Builder::flush_limit).
    ///
    /// Returns `false` if an export failed, if the limit passed, and after [`shutdown`](Self::shutdown). An export that is running
    /// at the limit continues. Spans that have not ended are not exported: the SERVER span of a request is open in its handler.
    ///
    /// Works on every async executor. Flushes that wait at the same time share their exports.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn import_orders() {}
    /// # async fn job(telemetry: otel_setup::Telemetry) {
    /// import_orders().await;
    /// if !telemetry.flush().await {
    ///     tracing::warn!("telemetry is incomplete");
    /// }
    /// # }
    /// ```
    pub async fn flush(&self) -> bool {
        self.flusher().start().await
    }

    /// Exports as [`flush`](Self::flush) does, and blocks the thread until then. In async code use `flush`.
    pub fn flush_blocking(&self) -> bool {
        self.flusher().flush_blocking()
    }

    /// Returns a layer that flushes at the end of each response, before the client sees the end. Put it outside `ServerLayer`.
    ///
    /// See [`FlushLayer`]. Needs the feature `tower`.
    #[cfg(feature = "tower")]
    #[must_use]
    pub fn flush_layer(&self) -> FlushLayer {
        FlushLayer::new(Arc::clone(self.flusher()))
    }

    fn flusher(&self) -> &Arc<Flusher> {
        self.flusher.get_or_init(|| {
            let mut flusher = Flusher::new(self.flush_limit);
            if let Some(traces) = &self.traces {
                flusher = flusher.with_spans(traces.provider.clone());
            }
            if let Some(provider) = &self.meter_provider {
                flusher = flusher.with_metrics(provider.clone());
            }
            #[cfg(feature = "logs")]
            if let Some(logs) = &self.logs {
                flusher = flusher.with_logs(logs.provider.clone());
            }
            Arc::new(flusher)
        })
    }
}
