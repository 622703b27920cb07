//! What a middleware was told.

use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use otel_core::http::{KnownMethods, Redaction};
use otel_core::propagator::PropagatorChoice;
use otel_core::tracer::LazyTracer;

/// The conventions that the attributes follow.
const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) tracer: Arc<LazyTracer>,
    pub(crate) propagator: PropagatorChoice,
    pub(crate) methods: KnownMethods,
    pub(crate) redaction: Redaction,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tracer: Arc::new(LazyTracer::global(scope())),
            propagator: PropagatorChoice::default(),
            methods: KnownMethods::from_env(),
            redaction: Redaction::default(),
        }
    }
}

pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("otel_reqwest")
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(SCHEMA_URL)
        .build()
}
