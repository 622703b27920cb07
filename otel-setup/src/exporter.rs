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
        Protocol::Grpc => {
            tokio::runtime::Handle::try_current().map_err(|_| {
                SetupError::exporter("gRPC needs a tokio runtime: set up inside #[tokio::main]")
            })?;
            OtlpExporter::builder().with_tonic().build()
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_exporter_where_none_is_asked_for() {
        let none = temp_env::with_vars([(EXPORTER, Some("none"))], from_env);
        assert!(none.unwrap().is_none());
    }

    #[test]
    fn what_is_not_built_in_is_an_error_that_says_what_is() {
        let table = [
            (EXPORTER, "zipkin", "otlp or none"),
            (PROTOCOL, "http/json", "http/protobuf"),
            (TRACES_PROTOCOL, "udp", "http/protobuf"),
            #[cfg(not(feature = "grpc"))]
            (PROTOCOL, "grpc", "feature `grpc`"),
        ];
        for (variable, value, advice) in table {
            let error = temp_env::with_vars([(variable, Some(value))], from_env).unwrap_err();
            assert!(error.is_invalid_variable(), "{error}");
            assert!(error.to_string().starts_with(variable), "{error}");
            assert!(error.to_string().contains(advice), "{error}");
        }
    }

    #[test]
    #[cfg(feature = "grpc")]
    fn grpc_outside_a_runtime_is_an_error_and_no_panic() {
        let error = temp_env::with_vars([(PROTOCOL, Some("grpc"))], from_env).unwrap_err();
        assert!(error.is_exporter(), "{error}");
        assert!(error.to_string().contains("tokio"), "{error}");
    }

    #[test]
    fn an_endpoint_that_is_none_is_an_error_of_the_exporter() {
        let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", Some("not a url"))];
        let error = temp_env::with_vars(variables, from_env).unwrap_err();
        assert!(error.is_exporter(), "{error}");
    }
}
