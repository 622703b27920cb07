//! Variables that ask for what there is not: never ignored without a word, since that would promise what never comes.

use opentelemetry::Context;

use crate::error::SetupError;
use crate::variable;

/// What is refused where signals are exported.
const REFUSED: [Setting; 2] = [
    Setting {
        name: "OTEL_METRICS_EXEMPLAR_FILTER",
        is_there: |value| value == "always_off",
        expected: "the Rust SDK records no exemplars; use always_off or leave it out",
    },
    Setting {
        name: "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        is_there: |value| value == "explicit_bucket_histogram",
        expected: "histograms have explicit buckets; use explicit_bucket_histogram or leave it out",
    },
];

/// What is only warned of. It is set for all services of a place, while some of them still change their attributes.
const MIGRATIONS: [Setting; 2] = [
    Setting {
        name: "OTEL_SEMCONV_STABILITY_OPT_IN",
        is_there: |value| {
            let mut parts = value.split(',').map(str::trim);
            !parts.any(|part| part == "http/dup")
        },
        expected: "attributes of HTTP have only their stable names",
    },
    Setting {
        name: "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN",
        is_there: |_| false,
        expected: "exceptions are recorded on their spans alone",
    },
];

struct Setting {
    name: &'static str,
    /// Whether a value, in lower case, asks for what there is.
    is_there: fn(&str) -> bool,
    expected: &'static str,
}

impl Setting {
    /// The value, where it asks for what there is not.
    fn unsupported(&self) -> Result<Option<String>, SetupError> {
        let value = variable::read(self.name)?;
        Ok(value.filter(|value| !(self.is_there)(&value.to_ascii_lowercase())))
    }
}

pub(crate) fn refuse_settings() -> Result<(), SetupError> {
    for setting in REFUSED {
        if let Some(value) = setting.unsupported()? {
            return Err(SetupError::variable(setting.name, value, setting.expected));
        }
    }
    Ok(())
}

/// To be called when there are log lines.
pub(crate) fn warn_of_migrations() {
    // As all that telemetry says of itself, it is a line and no record.
    let _lines_alone = Context::enter_telemetry_suppressed_scope();
    for setting in MIGRATIONS {
        if let Ok(Some(value)) = setting.unsupported() {
            tracing::warn!(
                "{}={value:?} changes nothing: {}",
                setting.name,
                setting.expected
            );
        }
    }
}

/// The specification wants all other variables ignored where there is one; to ignore the file instead would be worse.
pub(crate) fn refuse_configuration_file() -> Result<(), SetupError> {
    const NAME: &str = "OTEL_CONFIG_FILE";
    match variable::read(NAME)? {
        Some(path) => Err(SetupError::variable(
            NAME,
            path,
            "configuration files are not supported; use the other OTEL_ variables",
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_not_is_refused_and_named() {
        let table = [
            ("OTEL_METRICS_EXEMPLAR_FILTER", "trace_based", "exemplars"),
            (
                "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
                "base2_exponential_bucket_histogram",
                "explicit",
            ),
        ];
        for (name, value, advice) in table {
            let error = temp_env::with_var(name, Some(value), refuse_settings).unwrap_err();
            assert!(error.is_invalid_variable(), "{error}");
            let error = error.to_string();
            assert!(error.starts_with(name), "{error}");
            assert!(error.contains(advice), "{error}");
        }
        let file = temp_env::with_var("OTEL_CONFIG_FILE", Some("otel.yaml"), || {
            refuse_configuration_file().unwrap_err().to_string()
        });
        assert!(file.starts_with("OTEL_CONFIG_FILE=\"otel.yaml\""), "{file}");
    }

    #[test]
    fn what_there_is_anyway_may_be_asked_for() {
        let table = [
            ("OTEL_METRICS_EXEMPLAR_FILTER", "Always_Off"),
            (
                "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
                "explicit_bucket_histogram",
            ),
        ];
        for (name, value) in table {
            temp_env::with_var(name, Some(value), refuse_settings).unwrap();
        }
        temp_env::with_var("OTEL_CONFIG_FILE", Some(""), refuse_configuration_file).unwrap();
    }

    #[test]
    fn a_migration_is_over_or_asks_for_both_names() {
        let table = [
            ("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database/dup", None),
            (
                "OTEL_SEMCONV_STABILITY_OPT_IN",
                "http/dup",
                Some("http/dup"),
            ),
            (
                "OTEL_SEMCONV_STABILITY_OPT_IN",
                "rpc, HTTP/dup",
                Some("rpc, HTTP/dup"),
            ),
            ("OTEL_SEMCONV_STABILITY_OPT_IN", "http, RPC/dup", None),
            ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "", None),
            ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs", Some("logs")),
        ];
        for (name, value, expected) in table {
            let setting = MIGRATIONS.iter().find(|it| it.name == name).unwrap();
            let found = temp_env::with_var(name, Some(value), || setting.unsupported().unwrap());
            assert_eq!(found.as_deref(), expected);
        }
    }
}
