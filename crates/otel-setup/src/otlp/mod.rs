//! The OTLP exporter of a signal.

mod endpoint;
#[cfg(feature = "grpc")]
mod grpc;
mod header;
mod http;
mod runtime;
mod settings;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;
#[cfg(feature = "grpc")]
mod tunnel;
mod under_way;

use std::sync::Arc;

#[cfg(feature = "logs")]
use opentelemetry_otlp::LogExporter;
use opentelemetry_otlp::{MetricExporter, SpanExporter};
use opentelemetry_sdk::metrics::Temporality;

pub(crate) use self::runtime::ExportRuntime;
use self::settings::Settings;
pub(crate) use self::settings::{CodeSettings, has_endpoint};
pub(crate) use self::under_way::UnderWay;
use crate::error::SetupError;
#[cfg(feature = "grpc")]
use crate::export::Protocol;
use crate::signal::Signal;
use crate::variables::Environment;

/// Builds the exporter of one signal.
pub(crate) struct Otlp(Settings);

impl Otlp {
    pub(crate) fn new(
        signal: Signal,
        environment: &Environment,
        code: CodeSettings<'_>,
    ) -> Result<Self, SetupError> {
        Settings::new(signal, environment, code).map(Self)
    }

    /// Describes the export for the start line. The URL has no secrets.
    pub(crate) fn description(&self) -> String {
        format!("{} {}", self.0.protocol.name(), self.0.shown_endpoint)
    }

    pub(crate) fn span_exporter(&self) -> Result<SpanExporter, SetupError> {
        #[cfg(feature = "grpc")]
        if self.0.protocol == Protocol::Grpc {
            let builder = grpc::configure(&self.0, SpanExporter::builder().with_tonic())?;
            return builder.build().map_err(SetupError::exporter);
        }
        let builder = http::configure(&self.0, SpanExporter::builder().with_http())?;
        builder.build().map_err(SetupError::exporter)
    }

    pub(crate) fn metric_exporter(
        &self,
        temporality: Temporality,
    ) -> Result<MetricExporter, SetupError> {
        let builder = MetricExporter::builder().with_temporality(temporality);
        #[cfg(feature = "grpc")]
        if self.0.protocol == Protocol::Grpc {
            let builder = grpc::configure(&self.0, builder.with_tonic())?;
            return builder.build().map_err(SetupError::exporter);
        }
        let builder = http::configure(&self.0, builder.with_http())?;
        builder.build().map_err(SetupError::exporter)
    }

    #[cfg(feature = "logs")]
    pub(crate) fn log_exporter(&self) -> Result<LogExporter, SetupError> {
        #[cfg(feature = "grpc")]
        if self.0.protocol == Protocol::Grpc {
            let builder = grpc::configure(&self.0, LogExporter::builder().with_tonic())?;
            return builder.build().map_err(SetupError::exporter);
        }
        let builder = http::configure(&self.0, LogExporter::builder().with_http())?;
        builder.build().map_err(SetupError::exporter)
    }

    /// Returns the state of the current export, which the client and the wrapper that reports failures share.
    pub(crate) fn under_way(&self) -> Arc<UnderWay> {
        Arc::clone(&self.0.under_way)
    }
}
