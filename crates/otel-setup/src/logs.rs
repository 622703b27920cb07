//! The logger provider.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::logs::LoggerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};

use crate::batch::BatchSettings;
use crate::choice::Exporter;
use crate::error::SetupError;
use crate::ledger::Ledger;
use crate::log_limits::LogLimits;
use crate::log_processor::BoundedLogProcessor;
use crate::otlp::{Given, Otlp};
use crate::signal::Signal;

/// The provider and the ledger of what it exports.
#[derive(Debug)]
pub(crate) struct Logs {
    pub(crate) provider: SdkLoggerProvider,
    pub(crate) ledger: Arc<Ledger>,
}

impl Logs {
    /// `None` where log records go nowhere: then none is made.
    pub(crate) fn new(
        choice: Option<Exporter>,
        otlp: &Given,
        resource: Resource,
        report_interval: Duration,
    ) -> Result<Option<Self>, SetupError> {
        let settings = BatchSettings::from_env(Signal::Logs)?;
        let limits = LogLimits::from_env()?;
        let ledger = Arc::new(Ledger::new(Signal::Logs, settings.queue, report_interval));
        let processor = match Exporter::choose(Signal::Logs, choice)? {
            Exporter::None => return Ok(None),
            Exporter::Otlp => {
                let otlp = Otlp::new(Signal::Logs, otlp)?;
                let exporter = otlp.log_exporter()?;
                BoundedLogProcessor::new(exporter, otlp.under_way(), settings, &ledger, limits)
            }
            #[cfg(feature = "console")]
            Exporter::Console => {
                let exporter = opentelemetry_stdout::LogExporter::default();
                BoundedLogProcessor::new(exporter, Arc::default(), settings, &ledger, limits)
            }
            #[cfg(not(feature = "console"))]
            Exporter::Console => return Ok(None),
        };
        let provider = SdkLoggerProvider::builder()
            .with_resource(resource)
            .with_log_processor(processor)
            .build();
        Ok(Some(Self { provider, ledger }))
    }

    /// Without a name: each record brings that of its target.
    pub(crate) fn logger(&self) -> SdkLogger {
        self.provider.logger("")
    }
}
