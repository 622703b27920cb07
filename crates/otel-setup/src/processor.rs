//! The SDK's batch processor of spans, behind a limit that counts.
//!
//! The SDK reports the first dropped span when it happens, and the number of dropped spans only at shutdown. Here each span is counted
//! before it enters the SDK's queue, so every drop is counted when it happens. The SDK's queue is never full, and no request waits for
//! it.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};
use otel_core::redact::Secrets;

use crate::batch::BatchSettings;
use crate::exporter::LedgerExporter;
use crate::ledger::Ledger;
use crate::limits::{ValueLimit, shorten_tracestates};
use crate::otlp::UnderWay;

/// A batch processor that drops and counts spans while its queue is full.
#[derive(Debug)]
pub(crate) struct BoundedProcessor {
    batches: BatchSpanProcessor,
    ledger: Arc<Ledger>,
    value_limit: ValueLimit,
    secrets: Secrets,
}

impl BoundedProcessor {
    pub(crate) fn new<E: SpanExporter + 'static>(
        exporter: E,
        under_way: Arc<UnderWay>,
        settings: BatchSettings,
        ledger: &Arc<Ledger>,
        value_limit: ValueLimit,
        secrets: Secrets,
    ) -> Self {
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(settings.queue)
            .with_max_export_batch_size(settings.batch)
            .with_scheduled_delay(settings.delay)
            .build();
        let exporter = LedgerExporter::new(exporter, under_way, Arc::clone(ledger));
        Self {
            batches: BatchSpanProcessor::builder(exporter)
                .with_batch_config(config)
                .build(),
            ledger: Arc::clone(ledger),
            value_limit,
            secrets,
        }
    }
}

impl SpanProcessor for BoundedProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.batches.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        if self.ledger.admit() {
            self.value_limit.apply(&mut span, &self.secrets);
            shorten_tracestates(&mut span);
            self.batches.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.ledger.flush(|| self.batches.force_flush())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.ledger.close();
        let result = self.batches.shutdown_with_timeout(timeout);
        self.ledger.close_report();
        result
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}
