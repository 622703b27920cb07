//! How context travels.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::propagation::text_map_propagator::FieldIter;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};

use crate::variables::{Environment, PropagatorNames, ValueType as _, table};

/// A propagator of any type. Clones share it.
#[derive(Clone)]
pub struct Propagator {
    propagator: Arc<dyn TextMapPropagator + Send + Sync>,
    name: String,
}

impl Propagator {
    /// Wraps a propagator of the program.
    pub(crate) fn new(propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        Self {
            name: format!("{propagator:?}"),
            propagator: Arc::new(propagator),
        }
    }

    /// Returns what the start line shows.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// What code has set about propagation.
#[derive(Debug, Default)]
pub(crate) struct Propagation {
    pub(crate) propagator: Option<Propagator>,
    pub(crate) random_trace_ids: bool,
    pub(crate) max_baggage_bytes: Option<usize>,
}

impl Propagation {
    /// Returns the propagators of `OTEL_PROPAGATORS`, then the program's, then `tracecontext,baggage`.
    pub(crate) fn choose(self, environment: &Environment) -> Propagator {
        let code = self.propagator;
        let default = PropagatorNames::default();
        let otherwise = code
            .as_ref()
            .map_or(default.shown(), |it| Cow::Owned(it.name.clone()));
        let names = match (environment.find(&table::PROPAGATORS, &otherwise), code) {
            (Some(names), _) => names,
            (None, Some(propagator)) => return propagator,
            (None, None) => default,
        };
        let mut propagator = names.propagator().random_trace_ids(self.random_trace_ids);
        if let Some(limit) = self.max_baggage_bytes {
            propagator = propagator.max_baggage_bytes(limit);
        }
        Propagator {
            propagator: Arc::new(propagator),
            name: names.shown().into_owned(),
        }
    }
}

impl TextMapPropagator for Propagator {
    fn inject_context(&self, context: &Context, injector: &mut dyn Injector) {
        self.propagator.inject_context(context, injector);
    }

    fn extract_with_context(&self, context: &Context, extractor: &dyn Extractor) -> Context {
        self.propagator.extract_with_context(context, extractor)
    }

    fn fields(&self) -> FieldIter<'_> {
        self.propagator.fields()
    }
}

impl fmt::Debug for Propagator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.propagator.fmt(f)
    }
}
