//! The crates whose lines are about telemetry itself.

use otel_core::telemetry_crates;

/// The target of the reports of this crate.
pub(super) const REPORTS: &str = "otel_setup";

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
    pub(super) fn from_target(target: &str) -> Option<Self> {
        if telemetry_crates::is_own(target) {
            return Some(Self::OpenTelemetry);
        }
        let name = target.split("::").next()?;
        (name == REPORTS).then_some(Self::Reports)
    }
}
