//! `OTEL_PROPAGATORS`, or what code gave.

use std::fmt;
use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use otel_core::propagation;

use crate::error::SetupError;

/// A propagator of any type, cloned with the builder.
#[derive(Clone)]
pub(crate) struct Shared(Arc<dyn TextMapPropagator + Send + Sync>);

impl Shared {
    pub(crate) fn new(propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        Self(Arc::new(propagator))
    }
}

const NAME: &str = "OTEL_PROPAGATORS";

pub(crate) fn from_env() -> Result<Shared, SetupError> {
    propagation::from_env().map(Shared::new).map_err(|error| {
        let value = std::env::var(NAME).unwrap_or_default();
        let error = error.to_string();
        let reason = error.strip_prefix(NAME).unwrap_or(&error);
        SetupError::variable(NAME, value, reason.trim_start_matches(": "))
    })
}

impl TextMapPropagator for Shared {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        self.0.inject_context(context, injector);
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        self.0.extract_with_context(context, extractor)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.0.fields()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
