//! The meter provider.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};

use crate::choice::Exporter;
use crate::error::SetupError;
use crate::exporter::ReportingMetricExporter;
use crate::otlp::{Given, Otlp, UnderWay};
use crate::signal::Signal;
use crate::variable;

const INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL";

/// `None` where metrics go nowhere: instruments cost next to nothing then.
pub(crate) fn provider(
    choice: Option<Exporter>,
    otlp: &Given,
    resource: Resource,
) -> Result<Option<SdkMeterProvider>, SetupError> {
    let interval = variable::milliseconds(INTERVAL)?.unwrap_or(Duration::from_secs(60));
    Ok(match Exporter::choose(Signal::Metrics, choice)? {
        Exporter::None => None,
        Exporter::Otlp => {
            let otlp = Otlp::new(Signal::Metrics, otlp)?;
            let exporter = otlp.metric_exporter()?;
            Some(build(exporter, otlp.under_way(), interval, resource))
        }
        #[cfg(feature = "console")]
        Exporter::Console => {
            let exporter = opentelemetry_stdout::MetricExporter::default();
            Some(build(exporter, Arc::default(), interval, resource))
        }
        #[cfg(not(feature = "console"))]
        Exporter::Console => None,
    })
}

fn build<E: PushMetricExporter>(
    exporter: E,
    under_way: Arc<UnderWay>,
    interval: Duration,
    resource: Resource,
) -> SdkMeterProvider {
    let exporter = ReportingMetricExporter::new(exporter, under_way);
    let reader = PeriodicReader::builder(exporter)
        .with_interval(interval)
        .build();
    SdkMeterProvider::builder()
        .with_resource(resource)
        .with_reader(reader)
        .build()
}
