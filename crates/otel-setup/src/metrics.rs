//! The meter provider.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Instrument, InstrumentKind, MeterProviderBuilder, PeriodicReader, SdkMeterProvider, Stream,
};

use crate::error::SetupError;
use crate::export::{Export, Exporter};
use crate::exporter::ReportingMetricExporter;
use crate::otlp::{Otlp, UnderWay};
use crate::signal::Signal;
use crate::signal_context::SignalContext;
use crate::traces::describe;
use crate::variables::{Aggregation, Delay, table};

type ProviderChange = Box<dyn FnOnce(MeterProviderBuilder) -> MeterProviderBuilder + Send>;
type View = Arc<dyn Fn(&Instrument) -> Option<Stream> + Send + Sync>;

/// The specification's defaults for exponential histograms.
const MAX_SIZE: u32 = 160;
const MAX_SCALE: i8 = 20;

/// What code has set about metrics.
#[derive(Default)]
pub(crate) struct MetricSettings {
    pub(crate) exporter: Option<Exporter>,
    pub(crate) export: Export,
    readers: Vec<ProviderChange>,
    views: Vec<View>,
}

impl MetricSettings {
    pub(crate) fn add_reader(&mut self, reader: impl MetricReader) {
        let change = |builder: MeterProviderBuilder| builder.with_reader(reader);
        self.readers.push(Box::new(change));
    }

    pub(crate) fn add_view(
        &mut self,
        view: impl Fn(&Instrument) -> Option<Stream> + Send + Sync + 'static,
    ) {
        self.views.push(Arc::new(view));
    }
}

impl fmt::Debug for MetricSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricSettings")
            .field("exporter", &self.exporter)
            .field("export", &self.export)
            .finish_non_exhaustive()
    }
}

/// The provider and where it exports to.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// `None` if metrics go nowhere. Instruments then cost next to nothing.
    pub(crate) provider: Option<SdkMeterProvider>,
    pub(crate) description: String,
}

impl Metrics {
    pub(crate) fn new(
        context: &SignalContext<'_>,
        settings: MetricSettings,
    ) -> Result<Self, SetupError> {
        let environment = context.environment;
        let exporters = context.exporters(
            Signal::Metrics,
            &table::METRICS_EXPORTER,
            settings.exporter,
            &settings.export,
        );
        let code = settings.export.or(context.for_all);
        let delay = code.delay.map(Delay::from);
        let interval = environment.get(&table::METRIC_INTERVAL, delay).0;
        let temporality = environment.get(&table::TEMPORALITY, None);
        let aggregation = environment.get(&table::HISTOGRAM_AGGREGATION, None);

        let mut builder = SdkMeterProvider::builder().with_resource(context.resource.clone());
        let mut description = Vec::new();
        for change in settings.readers {
            builder = change(builder);
            description.push("the program's reader".to_owned());
        }
        #[cfg(feature = "console")]
        if exporters.console {
            let exporter = opentelemetry_stdout::MetricExporter::builder()
                .with_temporality(temporality)
                .build();
            builder = builder.with_reader(reader(exporter, Arc::default(), interval));
            description.push("console".to_owned());
        }
        if exporters.otlp {
            let otlp = Otlp::new(Signal::Metrics, environment, context.code(&settings.export))?;
            let exporter = otlp.metric_exporter(temporality)?;
            builder = builder.with_reader(reader(exporter, otlp.under_way(), interval));
            description.push(otlp.description());
        }
        if aggregation == Aggregation::ExponentialBuckets {
            let views = settings.views.clone();
            builder = builder.with_view(move |instrument| exponential(instrument, &views));
        }
        for view in settings.views {
            builder = builder.with_view(move |instrument| view(instrument));
        }
        let provider = (!description.is_empty()).then(|| builder.build());
        Ok(Self {
            provider,
            description: describe(&description),
        })
    }
}

fn reader<E: PushMetricExporter>(
    exporter: E,
    under_way: Arc<UnderWay>,
    interval: Duration,
) -> PeriodicReader<ReportingMetricExporter<E>> {
    PeriodicReader::builder(ReportingMetricExporter::new(exporter, under_way))
        .with_interval(interval)
        .build()
}

/// The view of histograms that no view of the program matches. With two views a histogram would be two streams.
fn exponential(instrument: &Instrument, views: &[View]) -> Option<Stream> {
    let is_histogram = instrument.kind() == InstrumentKind::Histogram;
    if !is_histogram || views.iter().any(|view| view(instrument).is_some()) {
        return None;
    }
    let aggregation = opentelemetry_sdk::metrics::Aggregation::Base2ExponentialHistogram {
        max_size: MAX_SIZE,
        max_scale: MAX_SCALE,
        record_min_max: true,
    };
    Stream::builder().with_aggregation(aggregation).build().ok()
}
