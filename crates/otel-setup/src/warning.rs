//! Warnings: settings that cannot be used, and the values that replace them.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::Context;
use tracing::Level;

/// Says in one line what a set-up could not do, and what it does instead.
///
/// It is displayed as that line.
#[derive(Clone, PartialEq, Eq)]
pub struct Warning {
    event: EventName,
    variable: Option<String>,
    message: String,
}

/// The stable name of a warning, which is an anchor in `docs/troubleshooting.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventName {
    InvalidDefaultFilter,
    InvalidSetting,
    InvalidVariable,
    NoServiceName,
    TracerProviderReplaced,
    UnsupportedVariable,
}

impl EventName {
    fn event_name(self) -> &'static str {
        match self {
            Self::InvalidDefaultFilter => "invalid_default_filter",
            Self::InvalidSetting => "invalid_setting",
            Self::InvalidVariable => "invalid_variable",
            Self::NoServiceName => "no_service_name",
            Self::TracerProviderReplaced => "tracer_provider_replaced",
            Self::UnsupportedVariable => "unsupported_variable",
        }
    }
}

impl Warning {
    pub(crate) fn new(event: EventName, message: impl Into<String>) -> Self {
        Self {
            event,
            variable: None,
            message: message.into(),
        }
    }

    pub(crate) fn with_variable(mut self, name: &str) -> Self {
        self.variable = Some(name.to_owned());
        self
    }

    /// Returns the stable name of the warning, such as `invalid_variable`. `docs/troubleshooting.md` has a section of this name.
    #[must_use]
    pub fn event_name(&self) -> &'static str {
        self.event.event_name()
    }

    /// Returns the environment variable that the warning is about. Returns `None` if it is not about a variable.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        self.variable.as_deref()
    }

    /// Writes the warning as a log line.
    fn log(&self) {
        // What telemetry says about itself is a line, and never a log record.
        let _lines_only = Context::enter_telemetry_suppressed_scope();
        tracing::warn!(
            target: "otel_setup",
            { event.name = self.event_name() },
            "{}",
            self.message
        );
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The warnings of a set-up that were not taken yet.
///
/// [`Telemetry::install_globals`](crate::Telemetry::install_globals) writes them as log lines. What is left when the guard is
/// dropped goes to standard error.
#[derive(Debug, Clone, Default)]
pub struct Warnings(Arc<Mutex<Vec<Warning>>>);

impl Warnings {
    /// Returns the warnings and leaves none.
    #[must_use]
    pub fn take(&self) -> Vec<Warning> {
        mem::take(&mut *self.lock())
    }

    /// Adds a warning. Only the first warning about a variable is kept.
    pub(crate) fn add(&self, warning: Warning) {
        let mut warnings = self.lock();
        let is_known = warning.variable.is_some()
            && warnings
                .iter()
                .any(|known| known.variable == warning.variable);
        if !is_known {
            warnings.push(warning);
        }
    }

    pub(crate) fn all(&self) -> Vec<Warning> {
        self.lock().clone()
    }

    /// Writes the warnings as log lines. They stay if no subscriber writes such lines.
    pub(crate) fn log(&self) {
        let has_warnings = !self.lock().is_empty();
        if has_warnings && tracing::enabled!(target: "otel_setup", Level::WARN) {
            self.take().iter().for_each(Warning::log);
        }
    }

    /// Writes the remaining warnings to standard error.
    pub(crate) fn print(&self) {
        for warning in self.take() {
            let name = warning.event_name();
            eprintln!("WARN otel_setup: {warning} event.name={name:?}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Warning>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
