//! The tracer provider.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use otel_core::redact::Secrets;

use crate::batch::BatchSettings;
use crate::choice::Exporter;
use crate::error::SetupError;
use crate::ledger::Ledger;
use crate::limits::{self, ValueLimit};
use crate::otlp::{Given, Otlp};
use crate::processor::BoundedProcessor;
use crate::request_sampler::RequestSampler;
use crate::secret_attributes::RedactingExporter;
use crate::signal::Signal;

/// The provider and the ledger of what it exports.
#[derive(Debug)]
pub(crate) struct Traces {
    pub(crate) provider: SdkTracerProvider,
    pub(crate) ledger: Arc<Ledger>,
}

impl Traces {
    pub(crate) fn new(
        choice: Option<Exporter>,
        otlp: &Given,
        sampler: Sampler,
        secrets: Secrets,
        resource: Resource,
        report_interval: Duration,
    ) -> Result<Self, SetupError> {
        let settings = BatchSettings::from_env(Signal::Traces)?;
        let value_limit = ValueLimit::from_env()?;
        let ledger = Arc::new(Ledger::new(Signal::Traces, settings.queue, report_interval));
        let builder = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_span_limits(limits::from_env()?)
            .with_sampler(RequestSampler::new(sampler));
        let processor = match Exporter::choose(Signal::Traces, choice)? {
            Exporter::None => None,
            Exporter::Otlp => {
                let otlp = Otlp::new(Signal::Traces, otlp)?;
                let exporter = otlp.span_exporter()?;
                let under_way = otlp.under_way();
                Some(BoundedProcessor::new(
                    RedactingExporter::new(exporter, secrets.clone()),
                    under_way,
                    settings,
                    &ledger,
                    value_limit,
                    secrets,
                ))
            }
            #[cfg(feature = "console")]
            Exporter::Console => Some(BoundedProcessor::new(
                RedactingExporter::new(
                    opentelemetry_stdout::SpanExporter::default(),
                    secrets.clone(),
                ),
                Arc::default(),
                settings,
                &ledger,
                value_limit,
                secrets,
            )),
            #[cfg(not(feature = "console"))]
            Exporter::Console => None,
        };
        let builder = match processor {
            Some(processor) => builder.with_span_processor(processor),
            None => builder,
        };
        Ok(Self {
            provider: builder.build(),
            ledger,
        })
    }
}
