//! The propagator of an instrumentation.

use std::sync::Arc;

use ::http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::{Context, global};

use crate::propagation;

/// A propagator of its own, or the global propagator at the time of each request.
///
/// The default is the global propagator.
#[derive(Debug, Clone, Default)]
pub struct PropagatorChoice(Option<Arc<dyn TextMapPropagator + Send + Sync>>);

impl PropagatorChoice {
    /// Uses this propagator instead of the global one.
    pub fn from_propagator(propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(propagator)))
    }

    /// Returns `true` if this is a propagator of its own.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Extracts the context from incoming headers into a child of `parent`. Missing or invalid headers change nothing.
    #[must_use]
    pub fn extract(&self, parent: &Context, headers: &HeaderMap) -> Context {
        self.with(|propagator| propagation::extract(propagator, parent, headers))
    }

    /// Injects the context into outgoing headers. The previous values of the propagator's header fields are removed.
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
