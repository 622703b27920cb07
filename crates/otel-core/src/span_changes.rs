//! The changes that the application makes to the span and the metrics of a request.

use std::borrow::Cow;

use opentelemetry::KeyValue;

use crate::redact::Secrets;

/// What handlers and hooks have said about a request. It is written on the span when the request ends.
#[derive(Debug, Default)]
pub struct SpanChanges {
    is_named: bool,
    error: Option<ErrorDecision>,
    attributes: Vec<KeyValue>,
    metric_attributes: Vec<KeyValue>,
}

/// A decision of the application whether a request is an error. It wins over the status code.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "it is hidden, and our crates match all of it"
)]
pub enum ErrorDecision {
    /// The response is not an error.
    NoError,
    /// The request is an error.
    Error {
        /// The `error.type`.
        error_type: Cow<'static, str>,
        /// The description of the status ERROR; empty if the error has no message.
        message: String,
    },
}

impl ErrorDecision {
    /// Makes the decision that the request is an error.
    #[must_use]
    pub fn error(error_type: Cow<'static, str>, message: Option<String>) -> Self {
        Self::Error {
            error_type,
            message: message.unwrap_or_default(),
        }
    }
}

impl SpanChanges {
    /// Notes that the application has named the span.
    pub fn set_named(&mut self) {
        self.is_named = true;
    }

    /// Returns `true` if the application has named the span.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.is_named
    }

    /// Decides whether the request is an error. The last decision counts.
    pub fn decide(&mut self, error: ErrorDecision) {
        self.error = Some(error);
    }

    /// Returns the last decision whether the request is an error.
    #[must_use]
    pub fn error(&self) -> Option<&ErrorDecision> {
        self.error.as_ref()
    }

    /// Sets an attribute of the span. The last value of a key counts.
    pub fn set_attribute(&mut self, attribute: KeyValue) {
        replace(&mut self.attributes, attribute);
    }

    /// Adds an attribute of the metrics. The last value of a key counts.
    pub fn add_metric_attribute(&mut self, attribute: KeyValue) {
        replace(&mut self.metric_attributes, attribute);
    }

    /// Adds changes that were made later. They replace earlier ones.
    pub fn add(&mut self, later: Self) {
        self.is_named |= later.is_named;
        self.error = later.error.or(self.error.take());
        for attribute in later.attributes {
            self.set_attribute(attribute);
        }
        for attribute in later.metric_attributes {
            self.add_metric_attribute(attribute);
        }
    }

    /// Returns `true` if nothing was changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.is_named
            && self.error.is_none()
            && self.attributes.is_empty()
            && self.metric_attributes.is_empty()
    }

    /// Hides secrets in the attributes of the span and of the metrics.
    pub fn redact(&mut self, secrets: &Secrets) {
        let all = self.attributes.iter_mut();
        for attribute in all.chain(&mut self.metric_attributes) {
            secrets.redact(attribute);
        }
    }

    /// Returns the attributes of the span.
    #[must_use]
    pub fn attributes(&self) -> &[KeyValue] {
        &self.attributes
    }

    /// Moves the attributes of the span into a list of the instrumentation's, where they replace those with the same keys.
    pub fn replace_in(&mut self, known: &mut Vec<KeyValue>) {
        known.retain(|known| self.attributes.iter().all(|it| it.key != known.key));
        known.append(&mut self.attributes);
    }

    /// Returns the attributes of the metrics.
    #[must_use]
    pub fn metric_attributes(&self) -> &[KeyValue] {
        &self.metric_attributes
    }
}

/// A limit for code that sets new keys in a loop: each key is compared with those before it. The SDK keeps 128 by default.
const MAX_ATTRIBUTES: usize = 1_000;

fn replace(attributes: &mut Vec<KeyValue>, attribute: KeyValue) {
    if let Some(before) = attributes.iter_mut().find(|it| it.key == attribute.key) {
        *before = attribute;
    } else if attributes.len() < MAX_ATTRIBUTES {
        attributes.push(attribute);
    }
}
