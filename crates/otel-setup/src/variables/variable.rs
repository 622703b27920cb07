//! What is known about a variable: its name, when it matters, its type and its default.

use std::fmt;

use crate::signal::Signal;

/// When a variable matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Always.
    Process,
    /// If something is exported.
    Export,
}

/// A variable with one name.
pub(crate) struct Variable<T> {
    pub(crate) name: &'static str,
    pub(super) scope: Scope,
    pub(super) default: fn() -> T,
}

/// A variable `OTEL_EXPORTER_OTLP_<setting>` that exists again for each signal, as `OTEL_EXPORTER_OTLP_TRACES_<setting>`.
pub(crate) struct SignalVariable<T> {
    pub(super) setting: &'static str,
    pub(super) default: fn() -> T,
}

/// A variable of the specification for something that does not exist here.
pub(crate) struct Unsupported {
    pub(super) name: &'static str,
    pub(super) scope: Scope,
    pub(super) reason: &'static str,
    pub(super) is_unsupported: fn(&str) -> bool,
}

impl<T> Variable<T> {
    /// Returns the value of a variable that is not set.
    pub(crate) fn default_value(&self) -> T {
        (self.default)()
    }
}

impl<T> SignalVariable<T> {
    /// Returns the name of the variable for all signals.
    pub(crate) fn name(&self) -> String {
        format!("OTEL_EXPORTER_OTLP_{}", self.setting)
    }

    /// Returns the name of the variable for one signal.
    pub(crate) fn own_name(&self, signal: Signal) -> String {
        signal.own(self.setting)
    }
}

impl<T> fmt::Debug for Variable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
