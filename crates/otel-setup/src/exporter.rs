//! Exporters that count what another exporter exports and report an outage once.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
#[cfg(feature = "logs")]
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::ledger::Ledger;
use crate::otlp::UnderWay;

/// An exporter that counts in the ledger whether each batch was exported or lost.
pub(crate) struct LedgerExporter<E> {
    exporter: E,
    under_way: Arc<UnderWay>,
    ledger: Arc<Ledger>,
}

impl<E> LedgerExporter<E> {
    pub(crate) fn new(exporter: E, under_way: Arc<UnderWay>, ledger: Arc<Ledger>) -> Self {
        Self {
            exporter,
            under_way,
            ledger,
        }
    }

    fn begin(&self, count: usize) {
        self.ledger.take(count as u64);
        self.under_way.begin();
    }

    fn end(&self, count: usize, result: OTelSdkResult) -> OTelSdkResult {
        match &result {
            Ok(()) => self.ledger.exported(count as u64),
            Err(error) => {
                let reason = reason(error, &self.under_way);
                self.ledger.failed(count as u64, &reason);
            }
        }
        result
    }
}

impl<E: SpanExporter> SpanExporter for LedgerExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        self.begin(count);
        let result = catch_panic(|| self.exporter.export(batch)).await;
        self.end(count, result)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(feature = "logs")]
impl<E: LogExporter> LogExporter for LedgerExporter<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let count = batch.iter().count();
        self.begin(count);
        let result = catch_panic(|| self.exporter.export(batch)).await;
        self.end(count, result)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E> fmt::Debug for LedgerExporter<E> {
    // The inner exporter is not shown, because its headers may contain a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LedgerExporter")
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

/// An exporter that reports the start and the end of an outage for metrics.
///
/// Nothing is counted: most metrics are sums, so the next export makes up for a failed one.
pub(crate) struct ReportingMetricExporter<E> {
    exporter: E,
    under_way: Arc<UnderWay>,
    is_failing: AtomicBool,
}

impl<E> ReportingMetricExporter<E> {
    pub(crate) fn new(exporter: E, under_way: Arc<UnderWay>) -> Self {
        Self {
            exporter,
            under_way,
            is_failing: AtomicBool::new(false),
        }
    }
}

impl<E: PushMetricExporter> PushMetricExporter for ReportingMetricExporter<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.under_way.begin();
        let result = self.exporter.export(metrics).await;
        let was_failing = self.is_failing.swap(result.is_err(), Ordering::Relaxed);
        match &result {
            Err(error) if !was_failing => tracing::error!(
                name: "metrics_export_failed",
                target: "otel_setup",
                { event.name = "metrics_export_failed", error = reason(error, &self.under_way) },
                "metrics cannot be exported; see OTEL_EXPORTER_OTLP_METRICS_ENDPOINT, or switch them off with \
                 OTEL_METRICS_EXPORTER=none"
            ),
            Ok(()) if was_failing => tracing::warn!(
                name: "metrics_export_recovered",
                target: "otel_setup",
                { event.name = "metrics_export_recovered" },
                "metrics are exported again"
            ),
            _ => {}
        }
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}

/// Exports a batch. A panic becomes an error: otherwise the thread of the processor would end, and nothing would say so.
async fn catch_panic<F>(export: impl FnOnce() -> F) -> OTelSdkResult
where
    F: Future<Output = OTelSdkResult>,
{
    let panicked = |_| OTelSdkError::InternalFailure("the exporter panicked".to_owned());
    let export = catch_unwind(AssertUnwindSafe(export)).map_err(panicked)?;
    let mut export = pin!(export);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| export.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| Poll::Ready(Err(panicked(panic))))
    })
    .await
}

/// Returns the text of the error, with the cause if the client knows it.
fn reason(error: &OTelSdkError, under_way: &UnderWay) -> String {
    match under_way.take_cause() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
