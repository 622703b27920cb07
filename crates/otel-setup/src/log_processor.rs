//! The SDK's batch processor of log records, behind the same limit as that of spans.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, LogExporter, LogProcessor, SdkLogRecord,
};

use crate::batch::BatchSettings;
use crate::exporter::LedgerExporter;
use crate::ledger::Ledger;
use crate::log_limits::LogLimits;
use crate::otlp::UnderWay;

/// A batch processor that drops and counts log records while its queue is full.
#[derive(Debug)]
pub(crate) struct BoundedLogProcessor {
    batches: BatchLogProcessor,
    ledger: Arc<Ledger>,
    limits: LogLimits,
}

impl BoundedLogProcessor {
    pub(crate) fn new<E: LogExporter + 'static>(
        exporter: E,
        under_way: Arc<UnderWay>,
        settings: BatchSettings,
        ledger: &Arc<Ledger>,
        limits: LogLimits,
    ) -> Self {
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(settings.queue)
            .with_max_export_batch_size(settings.batch)
            .with_scheduled_delay(settings.delay)
            .build();
        let exporter = LedgerExporter::new(exporter, under_way, Arc::clone(ledger));
        Self {
            batches: BatchLogProcessor::builder(exporter)
                .with_batch_config(config)
                .build(),
            ledger: Arc::clone(ledger),
            limits,
        }
    }
}

impl LogProcessor for BoundedLogProcessor {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        if self.ledger.admit() {
            self.limits.apply(record);
            self.batches.emit(record, scope);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.ledger.flush(|| self.batches.force_flush())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        // The guard writes the report, because it does not wait for this thread beyond the limit.
        self.ledger.close();
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}
