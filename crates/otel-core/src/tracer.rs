//! The tracer of an instrumentation.

use std::fmt;
use std::sync::OnceLock;

use opentelemetry::global::{self, BoxedSpan, BoxedTracer};
use opentelemetry::trace::{
    Span, SpanBuilder, SpanContext, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, InstrumentationScope};

use crate::span_access::SpanAccess;

/// A tracer that looks up the global provider until one is set, and then keeps it.
///
/// A layer can be built before the provider is set, and later requests do not repeat the look-up. The provider that makes
/// the first real span stays in use.
pub struct LazyTracer {
    scope: InstrumentationScope,
    tracer: OnceLock<BoxedTracer>,
    /// A provider was given, so neither the subscriber's nor the global one is used.
    is_given: bool,
}

impl LazyTracer {
    /// Makes a tracer that looks up the global provider at its first span.
    #[must_use]
    pub fn new(scope: InstrumentationScope) -> Self {
        Self {
            scope,
            tracer: OnceLock::new(),
            is_given: false,
        }
    }

    /// Makes a tracer of this provider.
    pub fn from_provider<P, T, S>(provider: &P, scope: InstrumentationScope) -> Self
    where
        P: TracerProvider<Tracer = T>,
        T: Tracer<Span = S> + Send + Sync + 'static,
        S: Span + Send + Sync + 'static,
    {
        let tracer = BoxedTracer::new(Box::new(provider.tracer_with_scope(scope.clone())));
        Self {
            scope,
            tracer: OnceLock::from(tracer),
            is_given: true,
        }
    }

    /// Returns `true` if a provider was given or has been found. Otherwise no span is recorded.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.tracer.get().is_some()
    }

    /// Starts a span with the provider of the subscriber's span layer, and returns its context.
    ///
    /// If a provider was given, the span starts there.
    #[doc(hidden)]
    #[must_use]
    pub fn start_in(&self, layer: &SpanAccess, builder: SpanBuilder, parent: &Context) -> Context {
        if self.is_given {
            return parent.with_span(self.start(builder, parent));
        }
        layer.start(&self.scope, builder, parent)
    }

    /// Starts a span whose parent is the span of `parent`.
    #[must_use]
    pub fn start(&self, builder: SpanBuilder, parent: &Context) -> BoxedSpan {
        if let Some(tracer) = self.tracer.get() {
            return tracer.build_with_context(builder, parent);
        }
        let tracer = global::tracer_provider().tracer_with_scope(self.scope.clone());
        let span = tracer.build_with_context(builder, parent);
        if is_new(span.span_context(), parent) {
            // If another thread was first, its tracer is equivalent.
            let _ = self.tracer.set(tracer);
        }
        span
    }
}

impl fmt::Debug for LazyTracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyTracer")
            .field("scope", &self.scope.name())
            .field("found", &self.tracer.get().is_some())
            .finish()
    }
}

/// Returns `true` if a span that was started under this parent has ids of its own, so that a provider has made it.
///
/// A no-op tracer returns the parent's ids. The SDK returns invalid ids after its shutdown.
#[doc(hidden)]
#[must_use]
#[inline]
pub fn is_new(span: &SpanContext, parent: &Context) -> bool {
    span.is_valid() && span.span_id() != parent.span().span_context().span_id()
}
