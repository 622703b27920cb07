//! Reads variables as the OpenTelemetry specification asks: a value that cannot be used is a warning, and the default is used.
//!
//! `configuration/sdk-environment-variables.md` of the specification has the rules for each type.

use std::collections::BTreeMap;
use std::env;

use otel_core::limits;
use otel_core::redact::Secrets;

use super::value_type::{Invalid, ValueType};
use super::variable::{SignalVariable, Variable};
use crate::error::SetupError;
use crate::signal::Signal;
use crate::warning::{EventName, Warning, Warnings};

/// The most bytes of a value in a message.
const MAX_SHOWN: usize = 256;

/// The variables of the process, and those that the program has set for this set-up.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    overrides: BTreeMap<String, String>,
    /// What no message shows.
    secrets: Secrets,
    warnings: Warnings,
}

/// A value and the name of its variable.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Found {
    /// Makes an error that does not show the value, because it may hold a secret.
    pub(crate) fn refuse(self, expected: impl Into<String>) -> SetupError {
        SetupError::hidden_variable(self.name, expected)
    }
}

/// A value that is not valid Unicode.
struct NotUnicode;

impl NotUnicode {
    const MESSAGE: &str = "it is not valid Unicode";
    /// A text that no variable names as a valid value.
    const TEXT: &str = "\u{fffd}";
}

impl Environment {
    pub(crate) fn new(
        overrides: BTreeMap<String, String>,
        secrets: Secrets,
        warnings: Warnings,
    ) -> Self {
        Self {
            overrides,
            secrets,
            warnings,
        }
    }

    /// Returns the list of what no message shows.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Returns the value of the variable, or what code has given, or the default.
    pub(crate) fn get<T: ValueType>(&self, variable: &Variable<T>, code: Option<T>) -> T {
        self.resolve(variable.name, "", || code.unwrap_or_else(variable.default))
    }

    /// Returns the value of a variable without a default. A warning says that `otherwise` is used instead.
    pub(crate) fn find<T: ValueType>(
        &self,
        variable: &Variable<Option<T>>,
        otherwise: &str,
    ) -> Option<T> {
        self.resolve(variable.name, otherwise, variable.default)
    }

    /// Returns the value of the signal's own variable, or of the variable for all signals, or what code has given, or the default.
    pub(crate) fn get_for<T: ValueType>(
        &self,
        signal: Signal,
        variable: &SignalVariable<T>,
        code: Option<T>,
    ) -> T {
        self.resolve(&variable.own_name(signal), "", || {
            self.resolve(&variable.name(), "", || {
                code.unwrap_or_else(variable.default)
            })
        })
    }

    /// Returns the text of the signal's own variable, or of the variable for all signals.
    ///
    /// # Errors
    ///
    /// Fails if the value is not valid Unicode.
    pub(crate) fn text_for<T>(
        &self,
        signal: Signal,
        variable: &SignalVariable<T>,
    ) -> Result<Option<Found>, SetupError> {
        for name in [variable.own_name(signal), variable.name()] {
            match self.read(&name) {
                Ok(Some(value)) => return Ok(Some(Found { name, value })),
                Ok(None) => {}
                Err(NotUnicode) => {
                    return Err(SetupError::hidden_variable(name, NotUnicode::MESSAGE));
                }
            }
        }
        Ok(None)
    }

    /// Adds a warning if the variable for all signals cannot be used, also if each signal has its own.
    pub(super) fn check_for_all<T: ValueType>(&self, variable: &SignalVariable<T>) {
        self.resolve(&variable.name(), "", variable.default);
    }

    /// Returns the names of the variables that the program overrides.
    pub(super) fn overridden(&self) -> impl Iterator<Item = &String> {
        self.overrides.keys()
    }

    /// Adds a warning about a variable that changes nothing.
    pub(super) fn warn_unsupported(
        &self,
        name: &str,
        reason: &str,
        is_unsupported: fn(&str) -> bool,
    ) {
        let message = match self.read(name) {
            Ok(Some(value)) if is_unsupported(&value) => {
                let value = self.secrets.text(&value);
                let value = limits::cut(&value, MAX_SHOWN);
                format!("{name}={value:?} changes nothing: {reason}")
            }
            // A path need not be Unicode.
            Err(NotUnicode) if is_unsupported(NotUnicode::TEXT) => {
                format!("{name} changes nothing: {reason}")
            }
            _ => return,
        };
        self.warn(EventName::UnsupportedVariable, name, message);
    }

    /// Returns the value of the variable. If it cannot be used, `otherwise` makes the value, and `shown` is its text if it has none.
    fn resolve<T: ValueType>(&self, name: &str, shown: &str, otherwise: impl FnOnce() -> T) -> T {
        let (value, expected, usable) = match self.read(name) {
            Ok(None) => return otherwise(),
            Ok(Some(text)) => match T::parse(&text) {
                Ok(value) => return value,
                Err(Invalid { expected, usable }) => {
                    let value = T::shown_text(&text, &self.secrets);
                    (Some(value.into_owned()), expected, usable)
                }
            },
            Err(NotUnicode) => {
                // As any other unknown value: a Boolean is then false, whatever the default is.
                let usable = T::parse(NotUnicode::TEXT).err();
                let usable = usable.and_then(|invalid| invalid.usable);
                (None, NotUnicode::MESSAGE.into(), usable)
            }
        };
        let used = usable.unwrap_or_else(otherwise);
        let used_text = match &*used.shown() {
            "" => shown.to_owned(),
            used => used.to_owned(),
        };
        self.warn_invalid(name, value.as_deref(), &expected, &used_text);
        used
    }

    /// Adds a warning about a value that cannot be used. Without `used`, the variable is ignored.
    pub(crate) fn warn_invalid(&self, name: &str, value: Option<&str>, expected: &str, used: &str) {
        let value = value.map(|value| format!("={:?}", limits::cut(value, MAX_SHOWN)));
        let value = value.unwrap_or_default();
        // It may repeat a part of the value.
        let expected = self.secrets.text(expected);
        let instead = match used {
            "" => "the variable is ignored".to_owned(),
            used => format!("{used} is used instead"),
        };
        let message = format!("{name}{value} cannot be used: {expected}; {instead}");
        self.warn(EventName::InvalidVariable, name, message);
    }

    fn warn(&self, event: EventName, name: &str, message: String) {
        self.add(Warning::new(event, message).with_variable(name));
    }

    /// Adds a warning. Only the first warning about a variable is kept.
    pub(crate) fn add(&self, warning: Warning) {
        self.warnings.add(warning);
    }

    /// Returns the value without spaces around it. An empty value counts as unset.
    fn read(&self, name: &str) -> Result<Option<String>, NotUnicode> {
        let value = match self.overrides.get(name) {
            Some(value) => value.clone(),
            None => match env::var(name) {
                Ok(value) => value,
                Err(env::VarError::NotPresent) => return Ok(None),
                Err(env::VarError::NotUnicode(_)) => return Err(NotUnicode),
            },
        };
        Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty()))
    }
}
