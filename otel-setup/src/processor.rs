//! The SDK's batch processor behind a gate that knows how full it is.
//!
//! The SDK says once that it began to drop spans and how many at the shutdown. The gate counts each span before it
//! enters, so that no drop goes uncounted; the queue behind it is never full, and no request ever waits for it.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};

use crate::error::SetupError;
use crate::exporter::LedgerExporter;
use crate::ledger::Ledger;
use crate::limits::ValueLimit;
use crate::otlp::Cause;
use crate::variable;

const QUEUE_SIZE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
const BATCH_SIZE: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
const DELAY: &str = "OTEL_BSP_SCHEDULE_DELAY";

#[derive(Debug)]
pub(crate) struct BoundedProcessor {
    batches: BatchSpanProcessor,
    ledger: Arc<Ledger>,
    value_limit: ValueLimit,
}

/// `OTEL_BSP_*`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchSettings {
    queue: usize,
    batch: usize,
    delay: Duration,
}

impl BatchSettings {
    pub(crate) fn from_env() -> Result<Self, SetupError> {
        let queue = positive(QUEUE_SIZE)?.unwrap_or(2048);
        let batch = positive(BATCH_SIZE)?;
        if let Some(batch) = batch {
            if batch > queue {
                let expected = format!("a batch must fit into the queue, and that holds {queue}");
                return Err(SetupError::variable(
                    BATCH_SIZE,
                    batch.to_string(),
                    expected,
                ));
            }
        }
        Ok(Self {
            queue,
            batch: batch.unwrap_or(512).min(queue),
            delay: variable::milliseconds(DELAY)?.unwrap_or(Duration::from_secs(5)),
        })
    }

    pub(crate) fn queue(self) -> u64 {
        self.queue as u64
    }
}

fn positive(name: &str) -> Result<Option<usize>, SetupError> {
    match variable::number(name)? {
        Some(0) => Err(SetupError::variable(name, "0", "use a number above 0")),
        other => Ok(other),
    }
}

impl BoundedProcessor {
    pub(crate) fn new<E: SpanExporter + 'static>(
        exporter: E,
        cause: Arc<Cause>,
        settings: BatchSettings,
        ledger: &Arc<Ledger>,
        value_limit: ValueLimit,
    ) -> Self {
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(settings.queue)
            .with_max_export_batch_size(settings.batch)
            .with_scheduled_delay(settings.delay)
            .build();
        let exporter = LedgerExporter::new(exporter, cause, Arc::clone(ledger));
        Self {
            batches: BatchSpanProcessor::builder(exporter)
                .with_batch_config(config)
                .build(),
            ledger: Arc::clone(ledger),
            value_limit,
        }
    }
}

impl SpanProcessor for BoundedProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.batches.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        if self.ledger.admit() {
            self.value_limit.apply(&mut span);
            self.batches.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_delays_that_cannot_be_used_are_errors() {
        let table = [
            (QUEUE_SIZE, "many", "whole number"),
            (QUEUE_SIZE, "0", "above 0"),
            (BATCH_SIZE, "-1", "whole number"),
            (BATCH_SIZE, "4096", "2048"),
            (DELAY, "5s", "milliseconds"),
            (DELAY, "0", "more than 0"),
        ];
        for (name, value, advice) in table {
            let error = temp_env::with_vars([(name, Some(value))], BatchSettings::from_env);
            let error = error.unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
            assert!(error.contains(advice), "{error}");
        }
    }

    #[test]
    fn a_small_queue_makes_small_batches() {
        let settings = temp_env::with_vars([(QUEUE_SIZE, Some("7"))], BatchSettings::from_env);
        let settings = settings.unwrap();
        assert_eq!((settings.queue, settings.batch), (7, 7));
    }
}
