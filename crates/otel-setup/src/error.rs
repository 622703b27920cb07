//! What can go wrong while setting up.

use std::error::Error;
use std::fmt;

/// Says in one line why the set-up failed and what to do.
///
/// `Debug` prints the same line, so that a `main` which returns this error ends with a sentence.
#[derive(Clone)]
pub struct SetupError(Kind);

#[derive(Clone)]
enum Kind {
    MissingServiceName,
    Variable {
        name: String,
        /// `None` where the value may hold a secret.
        value: Option<String>,
        expected: String,
    },
    Exporter(String),
    AlreadySetUp,
}

impl SetupError {
    pub(crate) fn missing_service_name() -> Self {
        Self(Kind::MissingServiceName)
    }

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

    /// For a value that may hold a secret, and one that cannot be shown.
    pub(crate) fn hidden_variable(name: impl Into<String>, expected: impl Into<String>) -> Self {
        Self(Kind::Variable {
            name: name.into(),
            value: None,
            expected: expected.into(),
        })
    }

    pub(crate) fn exporter(reason: impl fmt::Display) -> Self {
        Self(Kind::Exporter(reason.to_string()))
    }

    pub(crate) fn already_set_up() -> Self {
        Self(Kind::AlreadySetUp)
    }

    /// Whether neither code nor environment gave a service name.
    #[must_use]
    pub fn is_missing_service_name(&self) -> bool {
        matches!(self.0, Kind::MissingServiceName)
    }

    /// Whether an environment variable has a value that cannot be used.
    #[must_use]
    pub fn is_invalid_variable(&self) -> bool {
        matches!(self.0, Kind::Variable { .. })
    }

    /// Whether the exporter could not be built.
    #[must_use]
    pub fn is_exporter(&self) -> bool {
        matches!(self.0, Kind::Exporter(_))
    }

    /// Whether this process had a `tracing` subscriber already.
    #[must_use]
    pub fn is_already_set_up(&self) -> bool {
        matches!(self.0, Kind::AlreadySetUp)
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::MissingServiceName => f.write_str(
                "no service name: give one to otel_setup::init, or set OTEL_SERVICE_NAME or service.name in \
                 OTEL_RESOURCE_ATTRIBUTES",
            ),
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
            Kind::Exporter(reason) => write!(f, "cannot build the OTLP exporter: {reason}"),
            Kind::AlreadySetUp => f.write_str(
                "a tracing subscriber is installed already: call otel_setup once, and install no other subscriber",
            ),
        }
    }
}

impl fmt::Debug for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for SetupError {}
