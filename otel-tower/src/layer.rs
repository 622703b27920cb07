//! The layer: where everything is configured.

use std::sync::Arc;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use otel_core::propagator::PropagatorChoice;
use otel_core::tracer::LazyTracer;
use tower_layer::Layer;

use crate::config::{Config, scope};
use crate::service::ServerService;

/// Opens a SERVER span for every request of the service it wraps.
///
/// See the [crate docs](crate) for an example.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ServerLayer {
    config: Arc<Config>,
}

impl ServerLayer {
    /// Makes a layer that uses the global tracer provider and the global propagator.
    ///
    /// Both are looked up when requests come, so they may be set after the layer was made.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses this tracer provider instead of the global one.
    ///
    /// Where the span is a `tracing` span as well, the subscriber's OpenTelemetry layer makes it with its own tracer;
    /// [`without_tracing_span`](Self::without_tracing_span) makes this provider the only one.
    pub fn tracer_provider<P, T, S>(self, provider: &P) -> Self
    where
        P: TracerProvider<Tracer = T>,
        T: Tracer<Span = S> + Send + Sync + 'static,
        S: Span + Send + Sync + 'static,
    {
        let tracer = LazyTracer::of(provider, scope());
        self.with(|config| config.tracer = Arc::new(tracer))
    }

    /// Reads the caller's context with this propagator instead of the global one.
    pub fn propagator(self, propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        self.with(|config| config.propagator = PropagatorChoice::own(propagator))
    }

    /// Opens every span through the OpenTelemetry API alone, which costs about half as much.
    ///
    /// The context is active in the handler all the same. What is lost: `tracing::Span::current()` is not the
    /// request's span, so a task spawned with `.in_current_span()` straight from a handler has no parent.
    pub fn without_tracing_span(self) -> Self {
        self.with(|config| config.tracing_span = false)
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServerService::new(inner, Arc::clone(&self.config))
    }
}
