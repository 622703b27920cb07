//! The OTLP exporter of a signal.

#[cfg(feature = "grpc")]
mod grpc;
mod header;
mod http;
mod runtime;
mod settings;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;
mod under_way;

use std::sync::Arc;

#[cfg(feature = "logs")]
use opentelemetry_otlp::LogExporter;
use opentelemetry_otlp::{MetricExporter, SpanExporter};
use opentelemetry_sdk::metrics::Temporality;

pub(crate) use self::runtime::ExportRuntime;
pub(crate) use self::settings::Given;
use self::settings::{Protocol, Settings};
pub(crate) use self::under_way::UnderWay;
use crate::error::SetupError;
use crate::signal::Signal;
use crate::variable;

/// Builds the exporter of one signal.
pub(crate) struct Otlp(Settings);

impl Otlp {
    pub(crate) fn new(signal: Signal, given: &Given) -> Result<Self, SetupError> {
        Settings::new(signal, given).map(Self)
    }

    pub(crate) fn span_exporter(&self) -> Result<SpanExporter, SetupError> {
        match self.0.protocol {
            Protocol::HttpProtobuf => {
                http::configure(&self.0, SpanExporter::builder().with_http())?.build()
            }
            #[cfg(feature = "grpc")]
            Protocol::Grpc => {
                grpc::configure(&self.0, SpanExporter::builder().with_tonic())?.build()
            }
        }
        .map_err(SetupError::exporter)
    }

    pub(crate) fn metric_exporter(&self) -> Result<MetricExporter, SetupError> {
        let builder = MetricExporter::builder().with_temporality(temporality()?);
        match self.0.protocol {
            Protocol::HttpProtobuf => http::configure(&self.0, builder.with_http())?.build(),
            #[cfg(feature = "grpc")]
            Protocol::Grpc => grpc::configure(&self.0, builder.with_tonic())?.build(),
        }
        .map_err(SetupError::exporter)
    }

    #[cfg(feature = "logs")]
    pub(crate) fn log_exporter(&self) -> Result<LogExporter, SetupError> {
        match self.0.protocol {
            Protocol::HttpProtobuf => {
                http::configure(&self.0, LogExporter::builder().with_http())?.build()
            }
            #[cfg(feature = "grpc")]
            Protocol::Grpc => {
                grpc::configure(&self.0, LogExporter::builder().with_tonic())?.build()
            }
        }
        .map_err(SetupError::exporter)
    }

    /// Returns the state of the current export, which the client and the wrapper that reports failures share.
    pub(crate) fn under_way(&self) -> Arc<UnderWay> {
        Arc::clone(&self.0.under_way)
    }
}

fn temporality() -> Result<Temporality, SetupError> {
    const NAME: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    let Some(value) = variable::read(NAME)? else {
        return Ok(Temporality::Cumulative);
    };
    match value.to_ascii_lowercase().as_str() {
        "cumulative" => Ok(Temporality::Cumulative),
        "delta" => Ok(Temporality::Delta),
        "lowmemory" => Ok(Temporality::LowMemory),
        _ => Err(SetupError::variable(
            NAME,
            value,
            "use cumulative, delta or lowmemory",
        )),
    }
}
