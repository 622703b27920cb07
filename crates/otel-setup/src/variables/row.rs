//! The rows of the table: a variable, what it is for, its type and its default.

#[cfg(test)]
use std::borrow::Cow;
use std::fmt;

use super::environment::Environment;
use super::value_type::ValueType;
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

/// A row of the table, whatever its type.
pub(crate) trait Row: Sync {
    fn scope(&self) -> Scope;

    /// Adds a warning if the variable has a value that cannot be used.
    fn check(&self, environment: &Environment);

    /// Returns the names of the variables of this row.
    #[cfg(test)]
    fn names(&self) -> Vec<String>;

    /// Returns the default as the variable would have it. It is empty if there is no default.
    #[cfg(test)]
    fn default(&self) -> Cow<'static, str>;
}

impl<T: ValueType> Row for Variable<T> {
    fn scope(&self) -> Scope {
        self.scope
    }

    fn check(&self, environment: &Environment) {
        environment.get(self, None);
    }

    #[cfg(test)]
    fn names(&self) -> Vec<String> {
        vec![self.name.to_owned()]
    }

    #[cfg(test)]
    fn default(&self) -> Cow<'static, str> {
        (self.default)().shown()
    }
}

impl<T: ValueType> Row for SignalVariable<T> {
    fn scope(&self) -> Scope {
        Scope::Export
    }

    fn check(&self, environment: &Environment) {
        for signal in Signal::ALL {
            environment.get_for(signal, self, None);
        }
        environment.check_for_all(self);
    }

    #[cfg(test)]
    fn names(&self) -> Vec<String> {
        let own = Signal::ALL.map(|signal| self.own_name(signal));
        std::iter::once(self.name()).chain(own).collect()
    }

    #[cfg(test)]
    fn default(&self) -> Cow<'static, str> {
        (self.default)().shown()
    }
}

impl Row for Unsupported {
    fn scope(&self) -> Scope {
        self.scope
    }

    fn check(&self, environment: &Environment) {
        environment.warn_unsupported(self.name, self.reason, self.is_unsupported);
    }

    #[cfg(test)]
    fn names(&self) -> Vec<String> {
        vec![self.name.to_owned()]
    }

    #[cfg(test)]
    fn default(&self) -> Cow<'static, str> {
        Cow::Borrowed("")
    }
}

impl<T> fmt::Debug for Variable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
