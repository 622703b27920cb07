//! The middleware: a request goes out, a response or an error comes back.

use std::sync::Arc;

use http::Extensions;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{FutureExt as _, Span, Tracer, TracerProvider};
use otel_core::propagator::PropagatorChoice;
use otel_core::tracer::LazyTracer;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

use crate::config::{Config, scope};
use crate::span::ClientSpan;

/// Opens a CLIENT span for every attempt that passes and sends its context along.
///
/// See the [crate docs](crate) for an example.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ClientMiddleware {
    config: Arc<Config>,
}

impl ClientMiddleware {
    /// Makes a middleware that uses the global tracer provider and the global propagator.
    ///
    /// Both are looked up when requests are sent, so they may be set after the client was made.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses this tracer provider instead of the global one.
    pub fn tracer_provider<P, T, S>(self, provider: &P) -> Self
    where
        P: TracerProvider<Tracer = T>,
        T: Tracer<Span = S> + Send + Sync + 'static,
        S: Span + Send + Sync + 'static,
    {
        let tracer = LazyTracer::of(provider, scope());
        self.with(|config| config.tracer = Arc::new(tracer))
    }

    /// Sends the context with this propagator instead of the global one.
    pub fn propagator(self, propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        self.with(|config| config.propagator = PropagatorChoice::own(propagator))
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }
}

#[async_trait::async_trait]
impl Middleware for ClientMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        if Context::is_current_telemetry_suppressed() {
            return next.run(request, extensions).await;
        }
        let span = ClientSpan::open(&self.config, &request);
        self.config
            .propagator
            .inject(span.context(), request.headers_mut());
        let result = next
            .run(request, extensions)
            .with_context(span.context().clone())
            .await;
        span.end(&result);
        result
    }
}
