//! The propagator of an instrumentation: the global one, or one that was given.

use std::sync::Arc;

use ::http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::{Context, global};

use crate::propagation;

/// The global propagator as it is when a request comes or goes, unless one was given.
#[derive(Debug, Clone, Default)]
pub struct PropagatorChoice(Option<Arc<dyn TextMapPropagator + Send + Sync>>);

impl PropagatorChoice {
    /// Chooses a propagator, so that the global one is not asked.
    pub fn own(propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(propagator)))
    }

    /// Reads the context of incoming headers. What is missing or invalid leaves `parent` as it was.
    #[must_use]
    pub fn extract(&self, parent: &Context, headers: &HeaderMap) -> Context {
        self.with(|propagator| propagation::extract(propagator, parent, headers))
    }

    /// Writes the context into outgoing headers, in place of whatever the propagator's fields held before.
    pub fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        self.with(|propagator| propagation::inject(propagator, context, headers));
    }

    /// Calls `work` with the chosen propagator, or with the global one if none was chosen.
    pub fn with<T>(&self, mut work: impl FnMut(&dyn TextMapPropagator) -> T) -> T {
        match &self.0 {
            Some(own) => work(own.as_ref()),
            None => global::get_text_map_propagator(work),
        }
    }
}
