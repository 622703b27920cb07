//! What span, metrics and hooks get of the end of an exchange.

use std::time::Duration;

use ::http::StatusCode;
use opentelemetry::{KeyValue, StringValue};
use otel_core::redact::Secrets;
use otel_core::span_changes::SpanChanges;

use crate::body_sizes::BodySizes;
use crate::conventions::http::attribute::ERROR_TYPE;
use crate::conventions::rpc::{GrpcCall, StatusNames};
use crate::end_error::EndError;
use crate::metrics::measurement::MeasuredEnd;
use crate::outcome::{End, Outcome};

/// The end of an exchange, before its hooks have run and after.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) end: End,
    pub(crate) status: Option<StatusCode>,
    pub(crate) grpc_status: Option<&'static str>,
    pub(crate) duration: Duration,
    /// `None` if the sizes are not recorded.
    pub(crate) sizes: Option<Box<BodySizes>>,
    pub(crate) error: Option<EndError>,
    /// What handlers and hooks have said.
    pub(crate) changes: Option<Box<SpanChanges>>,
}

impl Ending {
    /// Returns what `on_end` hooks see.
    pub(crate) fn outcome(&self) -> Outcome<'_> {
        Outcome {
            end: self.end,
            status: self.status,
            grpc_status: self.grpc_status,
            error_type: self.error.as_ref().map(EndError::error_type),
            duration: self.duration,
            request_body_size: self.sizes.as_deref().and_then(BodySizes::request),
            response_body_size: self.sizes.as_deref().and_then(BodySizes::response),
        }
    }

    /// Adds what `on_end` hooks have said. It is the last word.
    pub(crate) fn add(&mut self, later: Option<Box<SpanChanges>>) {
        let Some(later) = later else { return };
        if let Some(decision) = later.error() {
            self.error = EndError::from_decision(decision);
        }
        self.changes.get_or_insert_default().add(*later);
    }

    /// Hides secrets in what handlers and hooks have set.
    #[inline]
    pub(crate) fn redact(&mut self, secrets: &Secrets) {
        if let Some(changes) = &mut self.changes {
            changes.redact(secrets);
        }
    }

    pub(crate) fn error_type(&self) -> Option<StringValue> {
        self.error.as_ref().map(EndError::value)
    }

    /// Returns `error.type` and the sizes of the bodies.
    #[inline]
    pub(crate) fn attributes(&self) -> impl Iterator<Item = KeyValue> {
        let error_type = self.error_type().map(|it| KeyValue::new(ERROR_TYPE, it));
        let sizes = self.sizes.as_deref().map(BodySizes::attributes);
        error_type.into_iter().chain(sizes.into_iter().flatten())
    }

    /// Moves what handlers and hooks have set into the list, where it replaces what has the same keys.
    #[inline]
    pub(crate) fn replace_in(&mut self, attributes: &mut Vec<KeyValue>) {
        if let Some(changes) = &mut self.changes {
            changes.replace_in(attributes);
        }
    }

    /// Returns what the metrics get, with the attributes of the application.
    pub(crate) fn measured<'a>(
        &'a self,
        grpc: Option<&'a GrpcCall>,
        rpc_status_names: StatusNames,
        custom: &'a [KeyValue],
    ) -> MeasuredEnd<'a> {
        MeasuredEnd {
            duration: self.duration,
            error_type: self.error_type(),
            grpc,
            rpc_status_names,
            sizes: self.sizes.as_deref(),
            custom,
        }
    }
}
