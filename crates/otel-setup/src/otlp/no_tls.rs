//! Without the feature `tls`: settings that need it are errors.

use reqwest::ClientBuilder;

use crate::error::SetupError;
use crate::signal::Signal;
use crate::variables::{Environment, table};

pub(super) struct Tls;

impl Tls {
    pub(super) fn new(
        signal: Signal,
        environment: &Environment,
        endpoint: &str,
    ) -> Result<Self, SetupError> {
        const ADVICE: &str = "build otel-setup with its feature `tls`";
        if endpoint.starts_with("https://") {
            return Err(match environment.text_for(signal, &table::ENDPOINT)? {
                Some(found) if !found.value.contains("://") => found.refuse(format!(
                    "without a scheme it is an https:// URL: {ADVICE}, begin it with http://, or set {}=true",
                    table::INSECURE.name()
                )),
                Some(found) => found.refuse(format!("it is an https:// URL: {ADVICE}")),
                None => SetupError::exporter(format_args!(
                    "the program's endpoint is an https:// URL: {ADVICE}"
                )),
            });
        }
        for variable in [
            &table::CERTIFICATE,
            &table::CLIENT_CERTIFICATE,
            &table::CLIENT_KEY,
        ] {
            if let Some(found) = environment.text_for(signal, variable)? {
                return Err(found.refuse(ADVICE));
            }
        }
        Ok(Self)
    }

    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(super) fn check(&self) -> Result<(), SetupError> {
        Ok(())
    }

    pub(super) fn configure_http(
        &self,
        builder: ClientBuilder,
    ) -> Result<ClientBuilder, SetupError> {
        Ok(builder)
    }

    #[cfg(feature = "grpc")]
    pub(super) fn configure_grpc(
        &self,
        endpoint: tonic::transport::Endpoint,
    ) -> Result<tonic::transport::Endpoint, SetupError> {
        Ok(endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_environment;

    #[test]
    fn an_endpoint_that_needs_the_feature_is_named() {
        let table = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://h", "it is an https"),
            (
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                "https://h",
                "it is an https",
            ),
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "h:1",
                "OTEL_EXPORTER_OTLP_INSECURE=true",
            ),
        ];
        for (name, value, expected) in table {
            let tls = temp_env::with_var(name, Some(value), || {
                Tls::new(Signal::Traces, &Environment::default(), "https://h")
            });
            let error = tls.err().unwrap().to_string();
            assert!(error.starts_with(&format!("{name} cannot")), "{error}");
            assert!(error.contains(expected), "{error}");
            assert!(error.contains("feature `tls`"), "{error}");
        }
    }

    #[test]
    fn what_needs_the_feature_is_refused_for_each_signal() {
        let table = [
            (Signal::Traces, "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"),
            (Signal::Metrics, "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY"),
            (Signal::Logs, "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE"),
        ];
        for (signal, name) in table {
            let tls = test_environment::with_only(&[(name, "/x.pem")], || {
                Tls::new(signal, &Environment::default(), "")
            });
            let error = tls.err().unwrap().to_string();
            assert!(error.starts_with(name), "{error}");
            assert!(error.contains("feature `tls`"), "{error}");
        }
    }
}
