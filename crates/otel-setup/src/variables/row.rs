//! The rows of the table: variables of any type that can be checked.

#[cfg(test)]
use std::borrow::Cow;

use super::environment::Environment;
use super::value_type::ValueType;
use super::variable::{Scope, SignalVariable, Unsupported, Variable};
use crate::signal::Signal;

/// A row of the table, whatever its type.
pub(crate) trait Row: Sync {
    fn scope(&self) -> Scope;

    /// Adds a warning if the variable has a value that cannot be used.
    fn check(&self, environment: &Environment);

    /// Returns the names of the variables of this row.
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

    fn names(&self) -> Vec<String> {
        vec![self.name.to_owned()]
    }

    #[cfg(test)]
    fn default(&self) -> Cow<'static, str> {
        Cow::Borrowed("")
    }
}
