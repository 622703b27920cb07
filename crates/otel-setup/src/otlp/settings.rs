//! The settings of one signal's exporter, from the environment, then code, then the defaults.
//!
//! All values are read and checked here, and passed on by code. opentelemetry-otlp only warns about an invalid value, and then
//! sends to another place, or without the key.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_http::Request;
use otel_core::redact::{REDACTED, Secrets};

use super::endpoint::with_signal_path;
use super::header;
use super::tls::Tls;
use super::under_way::UnderWay;
use crate::error::SetupError;
use crate::export::{Compression, Export, Protocol};
use crate::signal::Signal;
use crate::variables::{Compressed, Environment, Found, Timeout, Variable, Wire, table};
use crate::warning::{EventName, Warning};

/// What code has set about the exports of one signal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CodeSettings<'a> {
    pub(crate) for_all: &'a Export,
    pub(crate) own: &'a Export,
}

/// The settings of one signal's exporter.
pub(super) struct Settings {
    pub(super) signal: Signal,
    pub(super) protocol: Protocol,
    pub(super) endpoint: String,
    /// The endpoint without secrets.
    pub(super) shown_endpoint: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) timeout: Duration,
    compression: Compression,
    pub(super) tls: Tls,
    pub(super) under_way: Arc<UnderWay>,
}

impl Settings {
    pub(super) fn new(
        signal: Signal,
        environment: &Environment,
        code: CodeSettings<'_>,
    ) -> Result<Self, SetupError> {
        let merged = code.own.or(code.for_all);
        let protocol = protocol(signal, environment, merged.protocol);
        let endpoint = endpoint(signal, environment, protocol, code)?;
        let tls = Tls::new(signal, environment, &endpoint)?;
        tls.check()?;
        let mut headers = merged.headers;
        if let Some(found) = environment.text_for(signal, &table::HEADERS)? {
            headers.extend(header::parse(found, protocol)?);
        }
        header::check(&headers)?;
        let timeout = merged.timeout.map(Timeout::from);
        let timeout = environment.get_for(signal, &table::OTLP_TIMEOUT, timeout);
        let limit = environment.get(export_limit(signal), None);
        let timeout = timeout.0.min(limit.0);
        Ok(Self {
            signal,
            protocol,
            shown_endpoint: environment.secrets().url(&endpoint).into_owned(),
            endpoint,
            headers,
            timeout,
            compression: compression(signal, environment, protocol, merged.compression),
            tls,
            under_way: Arc::new(UnderWay::new(timeout)),
        })
    }

    pub(super) fn compression(&self) -> Option<opentelemetry_otlp::Compression> {
        match self.compression {
            Compression::None => None,
            Compression::Gzip => Some(opentelemetry_otlp::Compression::Gzip),
        }
    }
}

/// Returns `true` if the environment or code names an endpoint for this signal.
pub(crate) fn has_endpoint(
    signal: Signal,
    environment: &Environment,
    code: CodeSettings<'_>,
) -> bool {
    let found = environment.text_for(signal, &table::ENDPOINT);
    // An invalid endpoint becomes an error when it is read.
    !matches!(found, Ok(None)) || code.own.endpoint.is_some() || code.for_all.endpoint.is_some()
}

fn protocol(signal: Signal, environment: &Environment, code: Option<Protocol>) -> Protocol {
    let is_missing = code == Some(Protocol::Grpc) && !cfg!(feature = "grpc");
    if is_missing {
        environment.add(Warning::new(
            EventName::InvalidSetting,
            "the program sets the protocol grpc, which needs the feature `grpc` of otel-setup; http/protobuf is used instead",
        ));
    }
    let code = code.filter(|_| !is_missing);
    environment
        .get_for(signal, &table::PROTOCOL, code.map(Wire))
        .0
}

/// Returns the URL for the signal: the signal's own URL as it is, or the base URL, over HTTP with the signal's path.
fn endpoint(
    signal: Signal,
    environment: &Environment,
    protocol: Protocol,
    code: CodeSettings<'_>,
) -> Result<String, SetupError> {
    let (name, url, is_base) =
        if let Some(Found { name, value }) = environment.text_for(signal, &table::ENDPOINT)? {
            let is_base = name == table::ENDPOINT.name();
            (name, value, is_base)
        } else if let Some(url) = &code.own.endpoint {
            ("Export::endpoint".to_owned(), url.clone(), false)
        } else if let Some(url) = &code.for_all.endpoint {
            ("the program's endpoint".to_owned(), url.clone(), true)
        } else {
            let default = match protocol {
                Protocol::HttpProtobuf => "http://localhost:4318",
                Protocol::Grpc => "http://localhost:4317",
            };
            ("the default".to_owned(), default.to_owned(), true)
        };
    let shown = shown_endpoint(environment.secrets(), &url);
    let url = match protocol {
        Protocol::Grpc => with_scheme(signal, environment, url),
        Protocol::HttpProtobuf => url,
    };
    // The case of a scheme does not matter.
    let url = match url.split_once("://") {
        Some((scheme, rest)) => format!("{}://{rest}", scheme.to_ascii_lowercase()),
        None => url,
    };
    let is_absolute = url
        .split_once("://")
        .is_some_and(|(scheme, rest)| matches!(scheme, "http" | "https") && !rest.is_empty());
    // Checked as opentelemetry-otlp does, whose own error shows the URL with its secrets.
    let is_uri = Request::get(&url).body(()).is_ok();
    if !is_absolute || reqwest::Url::parse(&url).is_err() || !is_uri {
        return Err(SetupError::variable(
            name,
            shown,
            "use a URL such as http://localhost:4318",
        ));
    }
    if protocol == Protocol::HttpProtobuf && is_base {
        return Ok(with_signal_path(&url, signal.path()));
    }
    Ok(url)
}

/// Returns an endpoint that cannot be used, without secrets. Without a scheme it may still have a password.
fn shown_endpoint(secrets: &Secrets, url: &str) -> String {
    const SCHEME: &str = "http://";
    if url.contains("://") {
        return secrets.url(url).into_owned();
    }
    let with_scheme = match url.rsplit_once('@') {
        Some((_, host)) => format!("{SCHEME}{REDACTED}@{host}"),
        None => format!("{SCHEME}{url}"),
    };
    let shown = secrets.url(&with_scheme);
    shown.strip_prefix(SCHEME).unwrap_or(&shown).to_owned()
}

/// Adds the scheme if the URL has none: `http` if `OTEL_EXPORTER_OTLP_INSECURE` is true, `https` otherwise.
fn with_scheme(signal: Signal, environment: &Environment, url: String) -> String {
    // Without a colon the scheme is misspelled.
    if url.contains("//") {
        return url;
    }
    let is_insecure = environment.get_for(signal, &table::INSECURE, None);
    let scheme = if is_insecure { "http" } else { "https" };
    format!("{scheme}://{url}")
}

/// Returns the limit of the signal's processor or reader, which the SDK leaves to the exporter.
fn export_limit(signal: Signal) -> &'static Variable<Timeout> {
    match signal {
        Signal::Traces => &table::SPAN_BATCH.timeout,
        Signal::Metrics => &table::METRIC_TIMEOUT,
        Signal::Logs => &table::LOG_BATCH.timeout,
    }
}

fn compression(
    signal: Signal,
    environment: &Environment,
    protocol: Protocol,
    code: Option<Compression>,
) -> Compression {
    let compression = environment
        .get_for(signal, &table::COMPRESSION, code.map(Compressed))
        .0;
    let is_missing = protocol == Protocol::HttpProtobuf && !cfg!(feature = "gzip");
    if compression == Compression::None && !is_missing && is_gzip_in_environment(signal) {
        environment.add(Warning::new(
            EventName::InvalidSetting,
            format!(
                "the program overrides {}, and the exporter cannot ignore the gzip of the environment; gzip is used",
                table::COMPRESSION.name()
            ),
        ));
        return Compression::Gzip;
    }
    if compression == Compression::None || !is_missing {
        return compression;
    }
    match environment.text_for(signal, &table::COMPRESSION) {
        Ok(Some(Found { name, value })) => environment.warn_invalid(
            &name,
            Some(&value),
            "build otel-setup with its feature `gzip`, or use none",
            "none",
        ),
        _ => environment.add(Warning::new(
            EventName::InvalidSetting,
            "the program sets the compression gzip, which needs the feature `gzip` of otel-setup; none is used instead",
        )),
    }
    Compression::None
}

/// Returns `true` if the environment asks for gzip. opentelemetry-otlp reads it too if code sets none, and code cannot switch it off.
fn is_gzip_in_environment(signal: Signal) -> bool {
    let environment = Environment::default();
    environment.get_for(signal, &table::COMPRESSION, None).0 == Compression::Gzip
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_environment;

    #[test]
    fn an_endpoint_that_cannot_be_used_is_shown_without_secrets() {
        let table = [
            ("ftp://user:hunter2@h", "ftp://REDACTED:REDACTED@h"),
            ("user:hunter2@h:1", "REDACTED@h:1"),
            ("//user:hunter2@h", "REDACTED@h"),
            ("http:/user:hunter2@h", "REDACTED@h"),
            ("h:1/?token=hunter2&x=1", "h:1/?token=REDACTED&x=1"),
            ("collector:4318", "collector:4318"),
        ];
        for (url, expected) in table {
            let error = traces(&[(ENDPOINT, url)], &Export::new()).err().unwrap();
            let text = error.to_string();
            assert!(text.contains(&format!("{ENDPOINT}={expected:?}")), "{text}");
        }
    }

    const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

    fn traces(variables: &[(&str, &str)], for_all: &Export) -> Result<Settings, SetupError> {
        otlp(Signal::Traces, variables, for_all)
    }

    fn otlp(
        signal: Signal,
        variables: &[(&str, &str)],
        for_all: &Export,
    ) -> Result<Settings, SetupError> {
        let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, Some(*v))).collect();
        let own = Export::new();
        let code = CodeSettings { for_all, own: &own };
        test_environment::with_vars(variables, || {
            Settings::new(signal, &Environment::default(), code)
        })
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
        let otlp = otlp(signal, variables, &Export::new()).unwrap();
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
            let limited = otlp(signal, &[(name, "2500")], &Export::new()).unwrap();
            assert_eq!(limited.timeout, Duration::from_millis(2500), "{name}");
        }
    }

    #[test]
    fn the_base_gets_a_path_and_the_signals_own_url_does_not() {
        let (none, code) = (Export::new(), Export::new().endpoint("http://code:1"));
        let base = (ENDPOINT, "http://all:1");
        let own = (TRACES_ENDPOINT, "http://own:1/in");
        let table: [(&[_], _, _); 8] = [
            (&[], &none, "http://localhost:4318/v1/traces"),
            (&[(ENDPOINT, "")], &none, "http://localhost:4318/v1/traces"),
            (&[base], &none, "http://all:1/v1/traces"),
            (
                &[(ENDPOINT, "http://all:1/otlp/")],
                &none,
                "http://all:1/otlp/v1/traces",
            ),
            (&[base, own], &none, "http://own:1/in"),
            (
                &[(TRACES_ENDPOINT, "HTTP://own:1/In")],
                &none,
                "http://own:1/In",
            ),
            (&[], &code, "http://code:1/v1/traces"),
            (&[base], &code, "http://all:1/v1/traces"),
        ];
        for (variables, code, expected) in table {
            assert_eq!(traces(variables, code).unwrap().endpoint, expected);
        }
    }

    #[test]
    fn the_settings_of_a_signal_win_over_those_of_all_signals() {
        let for_all = Export::new()
            .endpoint("http://all:1")
            .timeout(Duration::from_secs(3))
            .header("tenant", "all")
            .header("zone", "b");
        let own = Export::new()
            .endpoint("http://own:1/in")
            .header("tenant", "own");
        let code = CodeSettings {
            for_all: &for_all,
            own: &own,
        };
        let settings = test_environment::with_only(&[], || {
            Settings::new(Signal::Traces, &Environment::default(), code).unwrap()
        });
        assert_eq!(settings.endpoint, "http://own:1/in");
        assert_eq!(settings.timeout, Duration::from_secs(3));
        let headers = [("tenant", "all"), ("zone", "b"), ("tenant", "own")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(settings.headers, headers);
    }

    #[test]
    fn the_shortest_limit_counts_and_zero_is_no_limit() {
        let all = ("OTEL_EXPORTER_OTLP_TIMEOUT", "7000");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "8000");
        let none = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0");
        let processor = ("OTEL_BSP_EXPORT_TIMEOUT", "2500");
        let no_processor = ("OTEL_BSP_EXPORT_TIMEOUT", "0");
        let code = Export::new().timeout(Duration::from_millis(900));
        let nothing = Export::new();
        let table: [(&[_], _, _); 8] = [
            (&[], &nothing, 10_000),
            (&[], &code, 900),
            (&[all], &nothing, 7000),
            (&[all, own], &code, 8000),
            (&[all, own, processor], &nothing, 2500),
            (&[all, none], &nothing, 30_000),
            (&[none, no_processor], &nothing, i32::MAX as u64),
            (&[all, no_processor], &nothing, 7000),
        ];
        for (variables, code, expected) in table {
            let timeout = traces(variables, code).unwrap().timeout;
            assert_eq!(timeout, Duration::from_millis(expected), "{variables:?}");
        }
    }

    #[test]
    fn endpoints_headers_and_certificates_that_cannot_be_used_are_errors() {
        let table = [
            (ENDPOINT, "not a url", "http://localhost:4318"),
            (ENDPOINT, "localhost:4318", "http://localhost:4318"),
            (ENDPOINT, "ftp://localhost", "http://localhost:4318"),
            (TRACES_ENDPOINT, "http://", "http://localhost:4318"),
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
            let error = traces(&[(name, value)], &Export::new()).err().unwrap();
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
            let error = traces(&[(ENDPOINT, url)], &Export::new()).err().unwrap();
            assert!(error.to_string().starts_with(ENDPOINT), "{error}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_key_where_its_file_should_be_is_not_shown() {
        for setting in ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"] {
            let name = Signal::Traces.own(setting);
            let pem = "-----BEGIN PRIVATE KEY-----\nMIIEs3cret";
            let error = traces(&[(&name, pem)], &Export::new()).err().unwrap();
            assert!(error.to_string().starts_with(&name), "{error}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[test]
    #[cfg(not(feature = "tls"))]
    fn an_encrypted_endpoint_needs_the_feature() {
        let error = traces(&[(ENDPOINT, "https://host")], &Export::new());
        let error = error.err().unwrap().to_string();
        assert!(error.contains("feature `tls`"), "{error}");
    }

    #[test]
    #[cfg(feature = "grpc")]
    fn without_a_scheme_the_connection_is_plain_only_if_the_variable_says_so() {
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        let bare = (ENDPOINT, "collector:4317");
        let insecure = ("OTEL_EXPORTER_OTLP_INSECURE", "true");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "false");
        let endpoint = |variables: &[_]| {
            let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, Some(*v))).collect();
            test_environment::with_vars(variables, || {
                let environment = Environment::default();
                let protocol = protocol(Signal::Traces, &environment, None);
                let nothing = Export::new();
                let code = CodeSettings {
                    for_all: &nothing,
                    own: &nothing,
                };
                endpoint(Signal::Traces, &environment, protocol, code)
            })
        };
        let plain = endpoint(&[grpc, bare, insecure]).unwrap();
        assert_eq!(plain, "http://collector:4317");
        let encrypted = endpoint(&[grpc, bare, insecure, own]).unwrap();
        assert_eq!(encrypted, "https://collector:4317");
        assert_eq!(endpoint(&[grpc]).unwrap(), "http://localhost:4317");
    }
}
