//! The settings of one signal's exporter, from code, then the environment, then the defaults.
//!
//! All values are read and checked here, and passed on by code. opentelemetry-otlp only warns about an invalid value, and then
//! sends to another place, or without the key.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_http::Request;
use opentelemetry_otlp::Compression;
use otel_core::redact;

use super::endpoint::with_signal_path;
use super::header;
use super::tls::Tls;
use super::under_way::UnderWay;
use crate::error::SetupError;
use crate::signal::{Found, Signal};
use crate::variable;

const TIMEOUT: Duration = Duration::from_secs(10);

/// The settings given in code, which win over the variables.
#[derive(Clone, Default)]
pub(crate) struct Given {
    pub(crate) endpoint: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) timeout: Option<Duration>,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Endpoints and header values may contain keys.
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Given")
            .field("headers", &names)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The settings of one signal's exporter.
pub(super) struct Settings {
    pub(super) signal: Signal,
    pub(super) protocol: Protocol,
    pub(super) endpoint: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) timeout: Duration,
    pub(super) compression: Option<Compression>,
    pub(super) tls: Tls,
    pub(super) under_way: Arc<UnderWay>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    HttpProtobuf,
    #[cfg(feature = "grpc")]
    Grpc,
}

impl Settings {
    pub(super) fn new(signal: Signal, given: &Given) -> Result<Self, SetupError> {
        let protocol = protocol(signal)?;
        let endpoint = endpoint(signal, protocol, given)?;
        let tls = Tls::new(signal, &endpoint)?;
        let mut headers = match signal.read("HEADERS")? {
            Some(found) => header::parse(found)?,
            None => Vec::new(),
        };
        headers.extend(given.headers.iter().cloned());
        header::check(&headers)?;
        let timeout = match given.timeout {
            Some(timeout) => timeout,
            None => timeout(signal)?.unwrap_or(TIMEOUT),
        };
        let timeout = timeout.min(export_limit(signal)?);
        Ok(Self {
            signal,
            protocol,
            endpoint,
            headers,
            timeout,
            compression: compression(signal, protocol)?,
            tls,
            under_way: Arc::new(UnderWay::new(timeout)),
        })
    }
}

fn protocol(signal: Signal) -> Result<Protocol, SetupError> {
    let Some(found) = signal.read("PROTOCOL")? else {
        return Ok(Protocol::HttpProtobuf);
    };
    match found.value.to_ascii_lowercase().as_str() {
        "http/protobuf" => Ok(Protocol::HttpProtobuf),
        #[cfg(feature = "grpc")]
        "grpc" => Ok(Protocol::Grpc),
        #[cfg(not(feature = "grpc"))]
        "grpc" => {
            Err(found.refuse("build otel-setup with its feature `grpc`, or use http/protobuf"))
        }
        _ => Err(found.refuse("use http/protobuf or grpc")),
    }
}

/// Returns the URL for the signal: the signal's own URL as it is, or the base URL, over HTTP with the signal's path.
fn endpoint(signal: Signal, protocol: Protocol, given: &Given) -> Result<String, SetupError> {
    let own = signal.own("ENDPOINT");
    let (name, url) = if let Some(url) = &given.endpoint {
        ("otlp_endpoint".to_owned(), url.clone())
    } else if let Some(Found { name, value }) = signal.read("ENDPOINT")? {
        (name, value)
    } else {
        let default = match protocol {
            Protocol::HttpProtobuf => "http://localhost:4318",
            #[cfg(feature = "grpc")]
            Protocol::Grpc => "http://localhost:4317",
        };
        ("the default".to_owned(), default.to_owned())
    };
    let url = match protocol {
        #[cfg(feature = "grpc")]
        Protocol::Grpc => with_scheme(signal, url)?,
        Protocol::HttpProtobuf => url,
    };
    let is_absolute = url
        .split_once("://")
        .is_some_and(|(scheme, rest)| matches!(scheme, "http" | "https") && !rest.is_empty());
    // Checked as opentelemetry-otlp does, whose own error shows the URL with its secrets.
    let is_uri = Request::get(&url).body(()).is_ok();
    if !is_absolute || reqwest::Url::parse(&url).is_err() || !is_uri {
        let shown = redact::current().url(&url).into_owned();
        return Err(SetupError::variable(
            name,
            shown,
            "use a URL such as http://localhost:4318",
        ));
    }
    if protocol == Protocol::HttpProtobuf && name != own {
        return Ok(with_signal_path(&url, signal.path()));
    }
    Ok(url)
}

/// Adds the scheme if the URL has none: `http` if `OTEL_EXPORTER_OTLP_INSECURE` is true, `https` otherwise.
#[cfg(feature = "grpc")]
fn with_scheme(signal: Signal, url: String) -> Result<String, SetupError> {
    if url.contains("://") {
        return Ok(url);
    }
    let own = signal.own("INSECURE");
    let name = match variable::read(&own)? {
        Some(_) => own,
        None => crate::signal::for_all("INSECURE"),
    };
    let scheme = if variable::is_true(&name)? {
        "http"
    } else {
        "https"
    };
    Ok(format!("{scheme}://{url}"))
}

fn timeout(signal: Signal) -> Result<Option<Duration>, SetupError> {
    match signal.read("TIMEOUT")? {
        Some(found) => variable::milliseconds(&found.name),
        None => Ok(None),
    }
}

/// Returns the limit of the signal's processor, which the SDK leaves to the exporter.
fn export_limit(signal: Signal) -> Result<Duration, SetupError> {
    let name = signal.processor_variable("EXPORT_TIMEOUT");
    Ok(variable::milliseconds(&name)?.unwrap_or(Duration::from_secs(30)))
}

fn compression(signal: Signal, protocol: Protocol) -> Result<Option<Compression>, SetupError> {
    let Some(found) = signal.read("COMPRESSION")? else {
        return Ok(None);
    };
    match found.value.to_ascii_lowercase().as_str() {
        "none" => Ok(None),
        "gzip" if protocol != Protocol::HttpProtobuf || cfg!(feature = "gzip") => {
            Ok(Some(Compression::Gzip))
        }
        "gzip" => Err(found.refuse("build otel-setup with its feature `gzip`, or use none")),
        _ => Err(found.refuse("use gzip or none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

    fn traces(variables: &[(&str, &str)], given: &Given) -> Result<Settings, SetupError> {
        otlp(Signal::Traces, variables, given)
    }

    fn otlp(
        signal: Signal,
        variables: &[(&str, &str)],
        given: &Given,
    ) -> Result<Settings, SetupError> {
        let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, Some(*v))).collect();
        temp_env::with_vars(variables, || Settings::new(signal, given))
    }

    /// A setting: its variables for all signals, traces, metrics and logs; a value for all signals and a value for one signal;
    /// and the other variables that must be set.
    struct Setting {
        names: [&'static str; 4],
        values: [&'static str; 2],
        others: &'static [(&'static str, &'static str)],
    }

    const SETTINGS: &[Setting] = &[
        Setting {
            names: [
                ENDPOINT,
                TRACES_ENDPOINT,
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
                "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
            ],
            values: ["http://all:1", "http://own:1/in"],
            others: &[],
        },
        Setting {
            names: [
                "OTEL_EXPORTER_OTLP_HEADERS",
                "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
                "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
                "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
            ],
            values: ["api-key=all", "api-key=own"],
            others: &[],
        },
        Setting {
            names: [
                "OTEL_EXPORTER_OTLP_TIMEOUT",
                "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
                "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
                "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
            ],
            values: ["7000", "8000"],
            others: &[],
        },
        #[cfg(feature = "gzip")]
        Setting {
            names: [
                "OTEL_EXPORTER_OTLP_COMPRESSION",
                "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
                "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
                "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION",
            ],
            values: ["none", "gzip"],
            others: &[],
        },
        #[cfg(feature = "grpc")]
        Setting {
            names: [
                "OTEL_EXPORTER_OTLP_PROTOCOL",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
                "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
                "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
            ],
            values: ["http/protobuf", "grpc"],
            others: &[],
        },
        #[cfg(all(feature = "grpc", feature = "tls"))]
        Setting {
            names: [
                "OTEL_EXPORTER_OTLP_INSECURE",
                "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
                "OTEL_EXPORTER_OTLP_METRICS_INSECURE",
                "OTEL_EXPORTER_OTLP_LOGS_INSECURE",
            ],
            values: ["false", "true"],
            others: &[
                (ENDPOINT, "collector:4317"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ],
        },
    ];

    /// Returns the settings as text.
    fn described(signal: Signal, variables: &[(&str, &str)]) -> String {
        let otlp = otlp(signal, variables, &Given::default()).unwrap();
        let path = signal.path();
        format!(
            "{:?} {} {:?} {:?} {:?}",
            otlp.protocol,
            otlp.endpoint.replace(path, "<path>"),
            otlp.headers,
            otlp.timeout,
            otlp.compression
        )
    }

    #[test]
    fn a_signals_own_variable_wins_over_the_one_for_all_and_touches_no_other_signal() {
        let signals = [Signal::Traces, Signal::Metrics, Signal::Logs];
        for setting in SETTINGS {
            let [for_all, own @ ..] = setting.names;
            let [value, own_value] = setting.values;
            let all = [setting.others, &[(for_all, value)]].concat();
            let expected = described(Signal::Traces, &all);
            for (signal, name) in signals.into_iter().zip(own) {
                assert_eq!(described(signal, &all), expected, "{for_all}");
                let both = [all.as_slice(), &[(name, own_value)]].concat();
                for other in signals {
                    let described = described(other, &both);
                    assert_eq!(
                        described != expected,
                        other == signal,
                        "{name}: {described}"
                    );
                }
            }
            // And the one for all is not ignored.
            let others = [setting.others, &[(for_all, own_value)]].concat();
            assert_ne!(described(Signal::Traces, &others), expected, "{for_all}");
        }
    }

    #[test]
    fn an_export_ends_with_the_limit_of_its_processor() {
        let table = [
            (Signal::Traces, "OTEL_BSP_EXPORT_TIMEOUT"),
            (Signal::Metrics, "OTEL_METRIC_EXPORT_TIMEOUT"),
            (Signal::Logs, "OTEL_BLRP_EXPORT_TIMEOUT"),
        ];
        for (signal, name) in table {
            let limited = otlp(signal, &[(name, "2500")], &Given::default()).unwrap();
            assert_eq!(limited.timeout, Duration::from_millis(2500), "{name}");
            let error = otlp(signal, &[(name, "soon")], &Given::default());
            let error = error.err().unwrap().to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }

    #[test]
    fn the_base_gets_a_path_and_the_signals_own_url_does_not() {
        let given = Given {
            endpoint: Some("http://code:1".to_owned()),
            ..Given::default()
        };
        let none = Given::default();
        let table: [(&[_], _, _); 7] = [
            (&[], &none, "http://localhost:4318/v1/traces"),
            (&[(ENDPOINT, "")], &none, "http://localhost:4318/v1/traces"),
            (
                &[(ENDPOINT, "http://all:1")],
                &none,
                "http://all:1/v1/traces",
            ),
            (
                &[(ENDPOINT, "http://all:1/otlp/")],
                &none,
                "http://all:1/otlp/v1/traces",
            ),
            (
                &[
                    (ENDPOINT, "http://all:1"),
                    (TRACES_ENDPOINT, "http://own:1/in"),
                ],
                &none,
                "http://own:1/in",
            ),
            (
                &[(ENDPOINT, "http://all:1")],
                &given,
                "http://code:1/v1/traces",
            ),
            (
                &[(TRACES_ENDPOINT, "http://own:1/in")],
                &given,
                "http://code:1/v1/traces",
            ),
        ];
        for (variables, given, expected) in table {
            assert_eq!(traces(variables, given).unwrap().endpoint, expected);
        }
    }

    #[test]
    fn the_shortest_limit_counts() {
        let all = ("OTEL_EXPORTER_OTLP_TIMEOUT", "7000");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "8000");
        let processor = ("OTEL_BSP_EXPORT_TIMEOUT", "2500");
        let code = Given {
            timeout: Some(Duration::from_millis(900)),
            ..Given::default()
        };
        let none = Given::default();
        let table: [(&[_], _, _); 5] = [
            (&[], &none, 10_000),
            (&[all], &none, 7000),
            (&[all, own], &none, 8000),
            (&[all, own, processor], &none, 2500),
            (&[all, own, processor], &code, 900),
        ];
        for (variables, given, expected) in table {
            let timeout = traces(variables, given).unwrap().timeout;
            assert_eq!(timeout, Duration::from_millis(expected), "{variables:?}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_an_error_that_names_the_variable() {
        let table = [
            (ENDPOINT, "not a url", "http://localhost:4318"),
            (ENDPOINT, "localhost:4318", "http://localhost:4318"),
            (ENDPOINT, "ftp://localhost", "http://localhost:4318"),
            (TRACES_ENDPOINT, "http://", "http://localhost:4318"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "udp", "http/protobuf"),
            #[cfg(not(feature = "grpc"))]
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "feature `grpc`"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "milliseconds"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0", "more than 0"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "-1", "milliseconds"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "gzip or none"),
            #[cfg(not(feature = "gzip"))]
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "feature `gzip`"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "no header", "api-key=abc"),
            #[cfg(not(feature = "tls"))]
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem", "feature `tls`"),
            #[cfg(feature = "tls")]
            (
                "OTEL_EXPORTER_OTLP_CERTIFICATE",
                "/no/ca.pem",
                "cannot be read",
            ),
            #[cfg(feature = "tls")]
            (
                "OTEL_EXPORTER_OTLP_CLIENT_KEY",
                "/dev/null",
                "CLIENT_CERTIFICATE",
            ),
            #[cfg(feature = "tls")]
            (
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
                "/dev/null",
                "CLIENT_KEY",
            ),
        ];
        for (name, value, advice) in table {
            let error = traces(&[(name, value)], &Given::default()).err().unwrap();
            assert!(error.is_invalid_variable(), "{error}");
            assert!(error.to_string().starts_with(name), "{error}");
            assert!(error.to_string().contains(advice), "{error}");
        }
    }

    #[test]
    fn a_secret_in_a_url_is_not_shown() {
        for url in [
            "//user:s3cret@host/?token=s3cret",
            "http://host/?token=my s3cret",
            "http://user:s3 s3cret@host/",
        ] {
            let error = traces(&[(ENDPOINT, url)], &Given::default()).err().unwrap();
            assert!(error.to_string().starts_with(ENDPOINT), "{error}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_key_where_its_file_should_be_is_not_shown() {
        for setting in ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"] {
            let name = Signal::Traces.own(setting);
            let pem = "-----BEGIN PRIVATE KEY-----\nMIIEs3cret";
            let error = traces(&[(&name, pem)], &Given::default()).err().unwrap();
            assert!(error.to_string().starts_with(&name), "{error}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[test]
    #[cfg(not(feature = "tls"))]
    fn an_encrypted_endpoint_needs_the_feature() {
        let error = traces(&[(ENDPOINT, "https://host")], &Given::default());
        let error = error.err().unwrap().to_string();
        assert!(error.contains("feature `tls`"), "{error}");
    }

    #[test]
    #[cfg(feature = "grpc")]
    fn without_a_scheme_the_connection_is_plain_only_where_that_is_asked_for() {
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        let bare = (ENDPOINT, "collector:4317");
        let insecure = ("OTEL_EXPORTER_OTLP_INSECURE", "true");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "false");
        let endpoint = |variables: &[_]| {
            let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, Some(*v))).collect();
            temp_env::with_vars(variables, || {
                endpoint(Signal::Traces, protocol(Signal::Traces)?, &Given::default())
            })
        };
        let plain = endpoint(&[grpc, bare, insecure]).unwrap();
        assert_eq!(plain, "http://collector:4317");
        let encrypted = endpoint(&[grpc, bare, insecure, own]).unwrap();
        assert_eq!(encrypted, "https://collector:4317");
        assert_eq!(endpoint(&[grpc]).unwrap(), "http://localhost:4317");
    }
}
