//! Variables that ask for what there is not: refused, since a variable that is ignored promises what never comes.

use crate::error::SetupError;
use crate::variable;

/// What is refused where signals are exported.
const SETTINGS: [Setting; 4] = [
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
    Setting {
        name: "OTEL_SEMCONV_STABILITY_OPT_IN",
        is_there: |value| {
            let mut parts = value.split(',').map(str::trim);
            !parts.any(|part| matches!(part, "http/dup" | "rpc/dup"))
        },
        expected: "attributes have their stable names alone; leave /dup out",
    },
    Setting {
        name: "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN",
        is_there: |_| false,
        expected: "exceptions are recorded on their spans; leave it out",
    },
];

struct Setting {
    name: &'static str,
    /// Whether a value, in lower case, asks for what there is.
    is_there: fn(&str) -> bool,
    expected: &'static str,
}

pub(crate) fn refuse_settings() -> Result<(), SetupError> {
    for setting in SETTINGS {
        if let Some(value) = variable::read(setting.name)? {
            if !(setting.is_there)(&value.to_ascii_lowercase()) {
                return Err(SetupError::variable(setting.name, value, setting.expected));
            }
        }
    }
    Ok(())
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
            ("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup", "stable"),
            ("OTEL_SEMCONV_STABILITY_OPT_IN", "http, rpc/dup", "stable"),
            ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs/dup", "spans"),
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
            ("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database/dup"),
            ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", ""),
        ];
        for (name, value) in table {
            temp_env::with_var(name, Some(value), refuse_settings).unwrap();
        }
        temp_env::with_var("OTEL_CONFIG_FILE", Some(""), refuse_configuration_file).unwrap();
    }
}
