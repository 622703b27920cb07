//! Why a set-up fails.

use std::error::Error;
use std::fmt;

use crate::warning::Warning;

/// Says in one line why the set-up failed and what to do.
///
/// `Debug` shows the same text, so that a `main` that returns this error ends with a sentence.
#[derive(Clone)]
pub struct SetupError(Kind);

#[derive(Clone)]
enum Kind {
    Variable {
        name: String,
        /// `None` if the value may hold a secret.
        value: Option<String>,
        expected: String,
    },
    /// In strict mode. There is at least one.
    Warnings(Vec<Warning>),
    Exporter(String),
    AlreadySetUp,
}

impl SetupError {
    pub(crate) fn variable(
        name: impl Into<String>,
        value: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self(Kind::Variable {
            name: name.into(),
            value: Some(value.into()),
            expected: expected.into(),
        })
    }

    /// Makes an error about a value that may hold a secret or that cannot be shown.
    pub(crate) fn hidden_variable(name: impl Into<String>, expected: impl Into<String>) -> Self {
        Self(Kind::Variable {
            name: name.into(),
            value: None,
            expected: expected.into(),
        })
    }

    pub(crate) fn warnings(warnings: Vec<Warning>) -> Self {
        Self(Kind::Warnings(warnings))
    }

    pub(crate) fn exporter(reason: impl fmt::Display) -> Self {
        Self(Kind::Exporter(reason.to_string()))
    }

    pub(crate) fn already_set_up() -> Self {
        Self(Kind::AlreadySetUp)
    }

    /// Returns true if an environment variable has a value that cannot be used.
    ///
    /// Without [`Builder::strict`](crate::Builder::strict) only endpoints, headers and certificates can fail.
    #[must_use]
    pub fn is_invalid_variable(&self) -> bool {
        match &self.0 {
            Kind::Variable { .. } => true,
            Kind::Warnings(warnings) => warnings.iter().any(|it| it.variable().is_some()),
            Kind::Exporter(_) | Kind::AlreadySetUp => false,
        }
    }

    /// Returns true if an exporter could not be built.
    #[must_use]
    pub fn is_exporter(&self) -> bool {
        matches!(self.0, Kind::Exporter(_))
    }

    /// Returns true if this process had a `tracing` subscriber before, for example that of an earlier set-up.
    #[must_use]
    pub fn is_already_set_up(&self) -> bool {
        matches!(self.0, Kind::AlreadySetUp)
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Variable {
                name,
                value: Some(value),
                expected,
            } => write!(f, "{name}={value:?} cannot be used: {expected}"),
            Kind::Variable {
                name,
                value: None,
                expected,
            } => write!(f, "{name} cannot be used: {expected}"),
            Kind::Warnings(warnings) => {
                for (index, warning) in warnings.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "\n" };
                    write!(f, "{separator}{warning}")?;
                }
                Ok(())
            }
            Kind::Exporter(reason) => write!(f, "cannot build the OTLP exporter: {reason}"),
            Kind::AlreadySetUp => f.write_str(ALREADY_SET_UP),
        }
    }
}

const ALREADY_SET_UP: &str = "\
a tracing subscriber is installed already. Call otel_setup::init once, and before other subscribers. To keep a subscriber of your \
own, replace the line that installs it by these three:
    let set_up = otel_setup::builder().service_name(\"my-service\").build()?;
    my_subscriber.with(set_up.span_layer).init();
    let _telemetry = set_up.telemetry.install_globals();
The methods `with` and `init` need `use tracing_subscriber::prelude::*`. If your subscriber is tracing_subscriber::fmt().init(), \
then my_subscriber is tracing_subscriber::fmt().finish().";

impl fmt::Debug for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for SetupError {}
