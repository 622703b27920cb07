//! The tracer provider.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::trace::{
    IdGenerator, SdkTracerProvider, SpanExporter, SpanProcessor, TracerProviderBuilder,
};
use otel_core::redact::Secrets;

use crate::baggage_attributes::BaggageAttributes;
use crate::batch::BatchSettings;
use crate::error::SetupError;
use crate::export::{Export, Exporter};
use crate::fan_out::FanOut;
use crate::ledger::Ledger;
use crate::limits::{self, ValueLimit};
use crate::otlp::{Otlp, UnderWay};
use crate::processor::BoundedProcessor;
use crate::program_processor::ProgramProcessor;
use crate::request_sampler::RequestSampler;
use crate::sampler::ChosenSampler;
use crate::secret_attributes::RedactingExporter;
use crate::signal::Signal;
use crate::signal_context::SignalContext;
use crate::variables::table;

type ProviderChange = Box<dyn FnOnce(TracerProviderBuilder) -> TracerProviderBuilder + Send>;
type ExporterStart = Box<dyn FnOnce(&ProcessorSettings) -> Processor + Send>;

/// What code has set about spans.
#[derive(Default)]
pub(crate) struct TraceSettings {
    pub(crate) exporter: Option<Exporter>,
    pub(crate) export: Export,
    pub(crate) sampler: Option<ChosenSampler>,
    /// Wins over `OTEL_TRACES_SAMPLER`.
    pub(crate) override_sampler: Option<ChosenSampler>,
    pub(crate) baggage_keys: Vec<String>,
    changes: Vec<ProviderChange>,
    exporters: Vec<ExporterStart>,
}

impl TraceSettings {
    pub(crate) fn add_processor(&mut self, processor: impl SpanProcessor + 'static) {
        let processor = ProgramProcessor(processor);
        let change = |builder: TracerProviderBuilder| builder.with_span_processor(processor);
        self.changes.push(Box::new(change));
    }

    pub(crate) fn set_id_generator(&mut self, generator: impl IdGenerator + 'static) {
        let change = |builder: TracerProviderBuilder| builder.with_id_generator(generator);
        self.changes.push(Box::new(change));
    }

    pub(crate) fn add_exporter(&mut self, exporter: impl SpanExporter + 'static) {
        let start = |settings: &ProcessorSettings| settings.processor(exporter, Arc::default());
        self.exporters.push(Box::new(start));
    }
}

impl fmt::Debug for TraceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceSettings")
            .field("exporter", &self.exporter)
            .field("export", &self.export)
            .field("sampler", &self.sampler)
            .finish_non_exhaustive()
    }
}

/// What each exporter of spans gets.
struct ProcessorSettings {
    batch: BatchSettings,
    value_limit: ValueLimit,
    secrets: Secrets,
    report_interval: Duration,
}

impl ProcessorSettings {
    /// Puts a queue, counts, limits and redaction in front of an exporter.
    fn processor(
        &self,
        exporter: impl SpanExporter + 'static,
        under_way: Arc<UnderWay>,
    ) -> Processor {
        let ledger = Ledger::new(Signal::Traces, self.batch.queue, self.report_interval);
        let ledger = Arc::new(ledger);
        let exporter = RedactingExporter::new(exporter, self.secrets.clone());
        let processor = BoundedProcessor::new(
            exporter,
            under_way,
            self.batch,
            &ledger,
            self.value_limit,
            self.secrets.clone(),
        );
        Processor { processor, ledger }
    }
}

struct Processor {
    processor: BoundedProcessor,
    ledger: Arc<Ledger>,
}

/// The provider and the counts of what it exports.
#[derive(Debug)]
pub(crate) struct Traces {
    pub(crate) provider: SdkTracerProvider,
    /// Of the OTLP exporter. Without it, of the program's last exporter, then of the console.
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) is_parent_based: bool,
    pub(crate) sampler_name: String,
    /// Where spans go.
    pub(crate) description: String,
}

impl Traces {
    pub(crate) fn new(
        context: &SignalContext<'_>,
        settings: TraceSettings,
        secrets: Secrets,
    ) -> Result<Self, SetupError> {
        let environment = context.environment;
        let report_interval = context.report_interval;
        let sampler = match settings.override_sampler {
            Some(sampler) => sampler,
            None => ChosenSampler::choose(environment, settings.sampler),
        };
        let processors = ProcessorSettings {
            batch: BatchSettings::new(
                environment,
                &table::SPAN_BATCH,
                &settings.export.or(context.for_all),
            ),
            value_limit: ValueLimit::new(environment),
            secrets,
            report_interval,
        };
        let exporters = context.exporters(
            Signal::Traces,
            &table::TRACES_EXPORTER,
            settings.exporter,
            &settings.export,
        );
        let mut description = Vec::new();
        let mut started = Vec::new();
        #[cfg(feature = "console")]
        if exporters.console {
            let console = opentelemetry_stdout::SpanExporter::default();
            started.push(processors.processor(console, Arc::default()));
            description.push("console".to_owned());
        }
        for start in settings.exporters {
            started.push(start(&processors));
            description.push("the program's exporter".to_owned());
        }
        if exporters.otlp {
            let otlp = Otlp::new(Signal::Traces, environment, context.code(&settings.export))?;
            started.push(processors.processor(otlp.span_exporter()?, otlp.under_way()));
            description.push(otlp.description());
        }
        let mut builder = SdkTracerProvider::builder()
            .with_resource(context.resource.clone())
            .with_span_limits(limits::span_limits(environment))
            .with_sampler(RequestSampler::new(sampler.clone()));
        if !settings.baggage_keys.is_empty() {
            builder = builder.with_span_processor(BaggageAttributes::new(settings.baggage_keys));
        }
        for change in settings.changes {
            builder = change(builder);
        }
        // The counts of the last one matter.
        let ledger = started.last().map(|it| Arc::clone(&it.ledger));
        let started: Vec<_> = started.into_iter().map(|it| it.processor).collect();
        if !started.is_empty() {
            builder = builder.with_span_processor(FanOut(started));
        }
        let unused = || Arc::new(Ledger::new(Signal::Traces, 0, report_interval));
        Ok(Self {
            provider: builder.build(),
            ledger: ledger.unwrap_or_else(unused),
            is_parent_based: sampler.is_parent_based,
            sampler_name: sampler.name,
            description: describe(&description),
        })
    }
}

/// Returns the text of the start line for these exporters.
pub(crate) fn describe(exporters: &[String]) -> String {
    if exporters.is_empty() {
        "none".to_owned()
    } else {
        exporters.join(", ")
    }
}
