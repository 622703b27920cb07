//! The OTLP exporter, and saying once that it cannot reach anyone.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_otlp::SpanExporter as OtlpExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::error::SetupError;
use crate::variable;

const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const TRACES_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";

/// The exporter that the environment asks for; `None` for `OTEL_TRACES_EXPORTER=none`.
///
/// Endpoint, headers and time limit are read by opentelemetry-otlp itself.
pub(crate) fn from_env() -> Result<Option<ReportingExporter>, SetupError> {
    match variable::read(EXPORTER)?.as_deref() {
        None | Some("otlp") => {}
        Some("none") => return Ok(None),
        Some(other) => return Err(SetupError::variable(EXPORTER, other, "use otlp or none")),
    }
    let exporter = match protocol()? {
        Protocol::HttpProtobuf => OtlpExporter::builder().with_http().build(),
        #[cfg(feature = "grpc")]
        Protocol::Grpc => OtlpExporter::builder().with_tonic().build(),
    };
    let exporter = exporter.map_err(SetupError::exporter)?;
    Ok(Some(ReportingExporter {
        exporter,
        failing: AtomicBool::new(false),
        lost: AtomicU64::new(0),
    }))
}

#[derive(Debug)]
enum Protocol {
    HttpProtobuf,
    #[cfg(feature = "grpc")]
    Grpc,
}

fn protocol() -> Result<Protocol, SetupError> {
    let (name, value) = match variable::read(TRACES_PROTOCOL)? {
        Some(value) => (TRACES_PROTOCOL, value),
        None => match variable::read(PROTOCOL)? {
            Some(value) => (PROTOCOL, value),
            None => return Ok(Protocol::HttpProtobuf),
        },
    };
    match value.as_str() {
        "http/protobuf" => Ok(Protocol::HttpProtobuf),
        #[cfg(feature = "grpc")]
        "grpc" => Ok(Protocol::Grpc),
        #[cfg(not(feature = "grpc"))]
        "grpc" => Err(SetupError::variable(
            name,
            value,
            "build otel-setup with its feature `grpc`, or use http/protobuf",
        )),
        _ => Err(SetupError::variable(
            name,
            value,
            "use http/protobuf or grpc",
        )),
    }
}

/// Reports the first of a row of failures and the first success after it, as log lines of the target `otel_setup`.
pub(crate) struct ReportingExporter {
    exporter: OtlpExporter,
    failing: AtomicBool,
    lost: AtomicU64,
}

impl SpanExporter for ReportingExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let result = self.exporter.export(batch).await;
        match &result {
            Err(error) => {
                self.lost.fetch_add(spans, Ordering::Relaxed);
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::error!(
                        target: "otel_setup",
                        %error,
                        "spans cannot be exported and are lost until the OTLP endpoint answers; see \
                         OTEL_EXPORTER_OTLP_ENDPOINT"
                    );
                }
            }
            Ok(()) => {
                if self.failing.swap(false, Ordering::Relaxed) {
                    let lost = self.lost.swap(0, Ordering::Relaxed);
                    tracing::warn!(target: "otel_setup", lost, "spans are exported again");
                }
            }
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl fmt::Debug for ReportingExporter {
    // Without the exporter inside, whose headers may hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportingExporter")
            .field("failing", &self.failing)
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}
