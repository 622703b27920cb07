//! `OTEL_PROPAGATORS`, or what code gave.

use std::fmt;
use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use otel_core::propagation::{self, CompositePropagator};

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

/// What code has set about the propagators that the variable names.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settings {
    pub(crate) random_trace_ids: bool,
    pub(crate) max_baggage_bytes: Option<usize>,
}

impl Settings {
    fn apply(self, propagator: CompositePropagator) -> Shared {
        let propagator = propagator.random_trace_ids(self.random_trace_ids);
        Shared::new(match self.max_baggage_bytes {
            Some(limit) => propagator.max_baggage_bytes(limit),
            None => propagator,
        })
    }
}

pub(crate) fn from_env(settings: Settings) -> Result<Shared, SetupError> {
    let propagator = propagation::from_env().map_err(|error| {
        let value = std::env::var(NAME).unwrap_or_default();
        let error = error.to_string();
        let reason = error.strip_prefix(NAME).unwrap_or(&error);
        SetupError::variable(NAME, value, reason.trim_start_matches(": "))
    })?;
    Ok(settings.apply(propagator))
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
