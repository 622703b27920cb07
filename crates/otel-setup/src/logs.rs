//! The logger provider.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::logs::LoggerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};

use crate::batch::BatchSettings;
use crate::error::SetupError;
use crate::export::{Export, Exporter};
use crate::ledger::Ledger;
use crate::log_limits::LogLimits;
use crate::log_processor::BoundedLogProcessor;
use crate::otlp::{CodeSettings, Otlp, has_endpoint};
use crate::signal::Signal;
use crate::traces::describe;
use crate::variables::{Environment, Exporters, LogExporters, table};

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
        environment: &Environment,
        settings: &LogSettings,
        for_all: &Export,
        only_if_configured: bool,
        resource: Resource,
        report_interval: Duration,
    ) -> Result<Option<Self>, SetupError> {
        let code = CodeSettings {
            for_all,
            own: &settings.export,
        };
        let batch = settings.export.or(for_all);
        let batch = BatchSettings::new(environment, &table::LOG_BATCH, &batch);
        let exporter = settings.exporter.map(Exporters::from).map(LogExporters);
        let mut exporters = environment.get(&table::LOGS_EXPORTER, exporter).0;
        exporters.otlp &= !only_if_configured || has_endpoint(Signal::Logs, environment, code);

        let mut builder = SdkLoggerProvider::builder().with_resource(resource);
        let new_ledger = || Arc::new(Ledger::new(Signal::Logs, batch.queue, report_interval));
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
            let otlp = Otlp::new(Signal::Logs, environment, code)?;
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
