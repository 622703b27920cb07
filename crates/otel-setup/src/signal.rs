//! Traces, metrics and logs.

use std::fmt;

/// What is exported separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Metrics,
    Logs,
}

impl Signal {
    pub(crate) const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// Returns the path below the base URL of OTLP over HTTP.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Traces => "v1/traces",
            Self::Metrics => "v1/metrics",
            Self::Logs => "v1/logs",
        }
    }

    /// Returns the name of a variable of the signal's processor or reader.
    pub(crate) fn processor_variable(self, setting: &str) -> String {
        let processor = match self {
            Self::Traces => "BSP",
            Self::Metrics => "METRIC",
            Self::Logs => "BLRP",
        };
        format!("OTEL_{processor}_{setting}")
    }

    /// Returns the name of the signal's own variable for the OTLP exporter.
    pub(crate) fn own(self, setting: &str) -> String {
        let signal = match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
            Self::Logs => "LOGS",
        };
        format!("OTEL_EXPORTER_OTLP_{signal}_{setting}")
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
