//! The logger provider.

use std::sync::Arc;

use opentelemetry::logs::LoggerProvider as _;
use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};

use crate::batch::BatchSettings;
use crate::error::SetupError;
use crate::export::{Export, Exporter};
use crate::ledger::Ledger;
use crate::log_limits::LogLimits;
use crate::log_processor::BoundedLogProcessor;
use crate::otlp::Otlp;
use crate::signal::Signal;
use crate::signal_context::SignalContext;
use crate::traces::describe;
use crate::variables::table;

/// What code has set about log records.
#[derive(Debug, Default)]
pub(crate) struct LogSettings {
    pub(crate) exporter: Option<Exporter>,
    pub(crate) export: Export,
}

/// The provider and the counts of what it exports.
#[derive(Debug)]
pub(crate) struct Logs {
    pub(crate) provider: SdkLoggerProvider,
    /// Of the OTLP exporter, or without it of the console.
    pub(crate) ledger: Arc<Ledger>,
    /// Where records go.
    pub(crate) description: String,
}

impl Logs {
    /// Returns `None` if log records go nowhere. Then no record is made.
    pub(crate) fn new(
        context: &SignalContext<'_>,
        settings: &LogSettings,
    ) -> Result<Option<Self>, SetupError> {
        let environment = context.environment;
        let batch = settings.export.or(context.for_all);
        let batch = BatchSettings::new(environment, &table::LOG_BATCH, &batch);
        let exporters = context.exporters(
            Signal::Logs,
            &table::LOGS_EXPORTER,
            settings.exporter,
            &settings.export,
        );

        let mut builder = SdkLoggerProvider::builder().with_resource(context.resource.clone());
        let new_ledger = || {
            Arc::new(Ledger::new(
                Signal::Logs,
                batch.queue,
                context.report_interval,
            ))
        };
        let mut description = Vec::new();
        let mut counted = None;
        #[cfg(feature = "console")]
        if exporters.console {
            let ledger = new_ledger();
            let exporter = opentelemetry_stdout::LogExporter::default();
            let limits = LogLimits::new(environment);
            let processor =
                BoundedLogProcessor::new(exporter, Arc::default(), batch, &ledger, limits);
            builder = builder.with_log_processor(processor);
            description.push("console".to_owned());
            counted = Some(ledger);
        }
        if exporters.otlp {
            let ledger = new_ledger();
            let otlp = Otlp::new(Signal::Logs, environment, context.code(&settings.export))?;
            let limits = LogLimits::new(environment);
            let exporter = otlp.log_exporter()?;
            let processor =
                BoundedLogProcessor::new(exporter, otlp.under_way(), batch, &ledger, limits);
            builder = builder.with_log_processor(processor);
            description.push(otlp.description());
            counted = Some(ledger);
        }
        Ok(counted.map(|ledger| Self {
            provider: builder.build(),
            ledger,
            description: describe(&description),
        }))
    }

    /// Returns a logger without a name: each record brings the name of its target.
    pub(crate) fn logger(&self) -> SdkLogger {
        self.provider.logger("")
    }
}
