//! Entries of the baggage as span attributes.

use std::time::Duration;

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::Span as _;
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use otel_core::limits::{self, MAX_TEXT};

/// Sets the listed entries of the parent context's baggage as attributes of each recorded span.
#[derive(Debug)]
pub(crate) struct BaggageAttributes {
    keys: Vec<String>,
}

impl BaggageAttributes {
    pub(crate) fn new(keys: Vec<String>) -> Self {
        Self { keys }
    }
}

impl SpanProcessor for BaggageAttributes {
    fn on_start(&self, span: &mut Span, context: &Context) {
        let baggage = context.baggage();
        if baggage.is_empty() {
            return;
        }
        for key in &self.keys {
            if let Some(value) = baggage.get(key) {
                // Callers choose the text.
                let value = limits::cut(value.as_str(), MAX_TEXT).to_owned();
                span.set_attribute(KeyValue::new(key.clone(), value));
            }
        }
    }

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
