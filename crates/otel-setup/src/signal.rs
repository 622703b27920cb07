//! Traces, metrics and logs: what a variable is called for each.

use std::fmt;

use crate::error::SetupError;
use crate::variable;

/// What is exported on a way of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Metrics,
    Logs,
}

impl Signal {
    /// The path below the base URL of OTLP over HTTP.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Traces => "v1/traces",
            Self::Metrics => "v1/metrics",
            Self::Logs => "v1/logs",
        }
    }

    pub(crate) fn exporter_variable(self) -> &'static str {
        match self {
            Self::Traces => "OTEL_TRACES_EXPORTER",
            Self::Metrics => "OTEL_METRICS_EXPORTER",
            Self::Logs => "OTEL_LOGS_EXPORTER",
        }
    }

    /// The variable of the part that gathers what is exported: the two batch processors, or the metric reader.
    pub(crate) fn processor_variable(self, setting: &str) -> String {
        let processor = match self {
            Self::Traces => "BSP",
            Self::Metrics => "METRIC",
            Self::Logs => "BLRP",
        };
        format!("OTEL_{processor}_{setting}")
    }

    /// The variable for this signal alone, which wins over [`for_all`].
    pub(crate) fn own(self, setting: &str) -> String {
        let signal = match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
            Self::Logs => "LOGS",
        };
        format!("OTEL_EXPORTER_OTLP_{signal}_{setting}")
    }

    /// The value for this signal and the variable that holds it.
    pub(crate) fn read(self, setting: &str) -> Result<Option<Found>, SetupError> {
        for name in [self.own(setting), for_all(setting)] {
            if let Some(value) = variable::read(&name)? {
                return Ok(Some(Found { name, value }));
            }
        }
        Ok(None)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Traces => "spans",
            Self::Metrics => "metrics",
            Self::Logs => "log records",
        })
    }
}

pub(crate) fn for_all(setting: &str) -> String {
    format!("OTEL_EXPORTER_OTLP_{setting}")
}

/// A value and the variable that it stands in, for a message that names it.
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Found {
    pub(crate) fn refuse(self, expected: impl Into<String>) -> SetupError {
        SetupError::variable(self.name, self.value, expected)
    }

    /// Without the value, which may hold a secret.
    pub(crate) fn refuse_hidden(self, expected: impl Into<String>) -> SetupError {
        SetupError::hidden_variable(self.name, expected)
    }
}
