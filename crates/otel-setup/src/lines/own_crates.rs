//! The crates whose lines are about telemetry itself.

/// The target of the reports of this crate.
const REPORTS: &str = "otel_setup";
/// What the names of OpenTelemetry's own crates start with.
const PREFIX: &str = "opentelemetry";
/// The rest of the names: the crates of opentelemetry-rust, and the exporters, samplers and detectors of
/// opentelemetry-rust-contrib.
const REST: [&str; 20] = [
    "sdk",
    "otlp",
    "http",
    "proto",
    "stdout",
    "appender-log",
    "appender-tracing",
    "aws",
    "contrib",
    "datadog",
    "etw-logs",
    "etw-metrics",
    "jaeger-propagator",
    "prometheus",
    "propagator-b3",
    "resource-detectors",
    "stackdriver",
    "user-events-logs",
    "user-events-metrics",
    "zipkin",
];

/// A group of crates whose lines are about telemetry itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnCrate {
    /// This crate, which reports exports that fail.
    Reports,
    /// A crate of OpenTelemetry.
    OpenTelemetry,
}

impl OwnCrate {
    /// Returns `None` if the target belongs to a crate of the application, such as `opentelemetry_shop`.
    #[inline]
    pub(super) fn from_target(target: &str) -> Option<Self> {
        // Asked for each event. Nearly all targets differ in the first letters.
        if target.starts_with('o') {
            Self::from_similar_target(target)
        } else {
            None
        }
    }

    #[cold]
    fn from_similar_target(target: &str) -> Option<Self> {
        let name = target.split("::").next()?;
        if name == REPORTS {
            return Some(Self::Reports);
        }
        let rest = name.strip_prefix(PREFIX)?;
        let is_own = match rest.strip_prefix(['-', '_']) {
            // Targets have the name of the package or of the module.
            Some(rest) => REST.contains(&&*rest.replace('_', "-")),
            None => rest.is_empty(),
        };
        is_own.then_some(Self::OpenTelemetry)
    }
}
