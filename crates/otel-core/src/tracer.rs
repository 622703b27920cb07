//! The tracer of an instrumentation, found when the first span needs it.

use std::fmt;
use std::sync::OnceLock;

use opentelemetry::global::{self, BoxedSpan, BoxedTracer};
use opentelemetry::trace::{Span, SpanBuilder, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, InstrumentationScope};

/// A tracer that looks up the global provider until one makes real spans, and keeps that one.
///
/// So a layer may be built before the provider is set, and a request pays for no look-up afterwards. The provider
/// that is in place when the first span is made stays in use; [`LazyTracer::of`] chooses one by argument.
pub struct LazyTracer {
    scope: InstrumentationScope,
    tracer: OnceLock<BoxedTracer>,
}

impl LazyTracer {
    /// Makes a tracer that takes the global provider at its first span.
    #[must_use]
    pub fn global(scope: InstrumentationScope) -> Self {
        Self {
            scope,
            tracer: OnceLock::new(),
        }
    }

    /// Makes a tracer of the given provider.
    pub fn of<P, T, S>(provider: &P, scope: InstrumentationScope) -> Self
    where
        P: TracerProvider<Tracer = T>,
        T: Tracer<Span = S> + Send + Sync + 'static,
        S: Span + Send + Sync + 'static,
    {
        let tracer = BoxedTracer::new(Box::new(provider.tracer_with_scope(scope.clone())));
        Self {
            scope,
            tracer: OnceLock::from(tracer),
        }
    }

    /// Whether a provider has been found, or given. Without one, spans are made for no one.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.tracer.get().is_some()
    }

    /// Starts a span whose parent is the span of `parent`.
    #[must_use]
    pub fn start(&self, builder: SpanBuilder, parent: &Context) -> BoxedSpan {
        if let Some(tracer) = self.tracer.get() {
            return tracer.build_with_context(builder, parent);
        }
        let tracer = global::tracer_provider().tracer_with_scope(self.scope.clone());
        let span = tracer.build_with_context(builder, parent);
        if is_new(&span, parent) {
            // Another thread may have been first; its tracer is as good.
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

/// The no-op tracer hands out the parent's own ids, or invalid ones: with those no provider has been set yet.
fn is_new(span: &BoxedSpan, parent: &Context) -> bool {
    let made = span.span_context();
    made.is_valid() && made.span_id() != parent.span().span_context().span_id()
}
