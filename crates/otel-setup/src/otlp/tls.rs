//! Certificates: which servers the exporter trusts, and how it identifies itself.

use std::fs;

use reqwest::{Certificate, Client, ClientBuilder, Identity};

use super::endpoint::is_loopback;
use crate::error::SetupError;
use crate::signal::Signal;
use crate::variables::{Environment, Found, SignalVariable, table};

/// PEM files. They are read during the set-up, so a missing file is an error at the start.
pub(super) struct Tls {
    /// Whether no connection can use TLS: neither to the endpoint, nor to a proxy.
    is_plain: bool,
    authority: Option<Pem>,
    identity: Option<(Pem, Pem)>,
}

struct Pem {
    name: String,
    bytes: Vec<u8>,
}

impl Tls {
    /// Reads the files of a signal. With this feature every endpoint is valid; without it `https://` is an error.
    pub(super) fn new(
        signal: Signal,
        environment: &Environment,
        endpoint: &str,
    ) -> Result<Self, SetupError> {
        let read = |variable| pem(signal, environment, variable);
        let authority = read(&table::CERTIFICATE)?;
        let certificate = read(&table::CLIENT_CERTIFICATE)?;
        let key = read(&table::CLIENT_KEY)?;
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(Pem { name, .. }), None) => {
                let expected =
                    "a client certificate needs its key in OTEL_EXPORTER_OTLP_CLIENT_KEY";
                return Err(SetupError::hidden_variable(name, expected));
            }
            (None, Some(Pem { name, .. })) => {
                let expected =
                    "a key needs its certificate in OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
                return Err(SetupError::hidden_variable(name, expected));
            }
        };
        Ok(Self {
            is_plain: endpoint.starts_with("http://") && is_loopback(endpoint),
            authority,
            identity,
        })
    }

    /// Checks that a client can use the files, so that an error names the variable, with each protocol.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        if let Some(Pem { name, .. }) = &self.authority {
            let client = self.with_authority(Client::builder())?.build();
            client.map_err(|_| SetupError::hidden_variable(name, NO_CERTIFICATE))?;
        }
        if let Some((_, Pem { name, .. })) = &self.identity {
            // Without the system's authorities, which take long to read.
            let client = self.with_identity(Client::builder().tls_certs_only([]))?;
            let client = client.build();
            client.map_err(|_| SetupError::hidden_variable(name, NO_IDENTITY))?;
        }
        Ok(())
    }

    pub(super) fn configure_http(
        &self,
        builder: ClientBuilder,
    ) -> Result<ClientBuilder, SetupError> {
        if self.is_plain {
            // The client would read all authorities of the system, which takes longer than the rest of the set-up.
            return Ok(builder.tls_certs_only([]));
        }
        self.with_identity(self.with_authority(builder)?)
    }

    fn with_authority(&self, builder: ClientBuilder) -> Result<ClientBuilder, SetupError> {
        let Some(Pem { name, bytes }) = &self.authority else {
            return Ok(builder);
        };
        let certificates = Certificate::from_pem_bundle(bytes)
            .ok()
            .filter(|certificates| !certificates.is_empty())
            .ok_or_else(|| SetupError::hidden_variable(name, NO_CERTIFICATE))?;
        // Only these are trusted, and not the system's.
        Ok(builder.tls_certs_only(certificates))
    }

    fn with_identity(&self, builder: ClientBuilder) -> Result<ClientBuilder, SetupError> {
        let Some((certificate, key)) = &self.identity else {
            return Ok(builder);
        };
        let both = [&certificate.bytes[..], b"\n", &key.bytes[..]].concat();
        let identity = Identity::from_pem(&both)
            .map_err(|_| SetupError::hidden_variable(&key.name, NO_IDENTITY))?;
        Ok(builder.identity(identity))
    }

    #[cfg(feature = "grpc")]
    pub(super) fn configure_grpc(
        &self,
        endpoint: tonic::transport::Endpoint,
    ) -> Result<tonic::transport::Endpoint, SetupError> {
        use tonic::transport::{Certificate, ClientTlsConfig, Identity};

        if endpoint.uri().scheme_str() != Some("https") {
            return Ok(endpoint);
        }
        let mut config = ClientTlsConfig::new();
        config = match &self.authority {
            Some(authority) => config.ca_certificate(Certificate::from_pem(&authority.bytes)),
            None => config.with_native_roots(),
        };
        if let Some((certificate, key)) = &self.identity {
            config = config.identity(Identity::from_pem(&certificate.bytes, &key.bytes));
        }
        endpoint.tls_config(config).map_err(SetupError::exporter)
    }
}

const NO_CERTIFICATE: &str = "the file holds no certificate in PEM form";
const NO_IDENTITY: &str = "the files hold no certificate and key in PEM form that belong together";

fn pem(
    signal: Signal,
    environment: &Environment,
    variable: &SignalVariable<String>,
) -> Result<Option<Pem>, SetupError> {
    let Some(found) = environment.text_for(signal, variable)? else {
        return Ok(None);
    };
    match fs::read(&found.value) {
        Ok(bytes) => {
            let Found { name, value: _ } = found;
            Ok(Some(Pem { name, bytes }))
        }
        // The value may be the key itself.
        Err(error) => Err(found.refuse(format!("the file cannot be read: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::{env, process};

    use super::*;
    use crate::test_environment;

    /// The variables of each signal: authority, client certificate, client key.
    const NAMES: [(Signal, [&str; 3]); 3] = [
        (
            Signal::Traces,
            [
                "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
            ],
        ),
        (
            Signal::Metrics,
            [
                "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY",
            ],
        ),
        (
            Signal::Logs,
            [
                "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY",
            ],
        ),
    ];
    const FOR_ALL: [&str; 3] = [
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    ];

    /// Returns the variables of the three files, and the contents of the files.
    fn read(tls: &Tls) -> [(&str, &[u8]); 3] {
        let (certificate, key) = tls.identity.as_ref().unwrap();
        let pems = [tls.authority.as_ref().unwrap(), certificate, key];
        pems.map(|pem| (pem.name.as_str(), pem.bytes.as_slice()))
    }

    #[test]
    fn a_signals_own_files_win_over_those_for_all() {
        let file = |text: &str| {
            let path = env::temp_dir().join(format!("otel-setup-tls-{}-{text}", process::id()));
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (all, own) = (file("all"), file("own"));
        for (signal, names) in NAMES {
            let general = FOR_ALL.map(|name| (name, Some(all.as_str())));
            let tls = test_environment::with_vars(general, || {
                Tls::new(signal, &Environment::default(), "")
            })
            .unwrap();
            assert_eq!(read(&tls), FOR_ALL.map(|name| (name, b"all".as_slice())));
            let both = [general, names.map(|name| (name, Some(own.as_str())))].concat();
            let tls =
                test_environment::with_vars(both, || Tls::new(signal, &Environment::default(), ""))
                    .unwrap();
            assert_eq!(read(&tls), names.map(|name| (name, b"own".as_slice())));
        }
        for path in [all, own] {
            fs::remove_file(path).unwrap();
        }
    }
}
