//! The error that an exchange ends with.

use std::borrow::Cow;

use opentelemetry::StringValue;
use otel_core::span_changes::ErrorDecision;

/// The `error.type` and the message of an exchange that ends with an error.
#[derive(Debug)]
pub(crate) struct EndError {
    error_type: Cow<'static, str>,
    /// Empty if there is none.
    message: String,
}

impl EndError {
    pub(crate) fn from_type(error_type: &'static str) -> Self {
        Self {
            error_type: Cow::Borrowed(error_type),
            message: String::new(),
        }
    }

    /// Returns what the application has decided. Returns `None` if it is no error.
    pub(crate) fn from_decision(decision: &ErrorDecision) -> Option<Self> {
        match decision {
            ErrorDecision::NoError => None,
            ErrorDecision::Error {
                error_type,
                message,
            } => Some(Self {
                error_type: error_type.clone(),
                message: message.clone(),
            }),
        }
    }

    pub(crate) fn error_type(&self) -> &str {
        &self.error_type
    }

    /// Returns the `error.type` as the value of an attribute.
    pub(crate) fn value(&self) -> StringValue {
        StringValue::from(self.error_type.clone())
    }

    /// Returns the description of the status ERROR.
    pub(crate) fn message(&self) -> String {
        self.message.clone()
    }
}
