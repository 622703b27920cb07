//! The tracers of a layer, by scope.

use std::ptr;
use std::sync::OnceLock;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

/// How many scopes keep their tracer. The spans of further scopes make a tracer each.
const KEPT: usize = 8;

/// The provider of a layer, and a tracer for each scope.
#[derive(Debug)]
pub(crate) struct Tracers {
    provider: SdkTracerProvider,
    kept: [OnceLock<(InstrumentationScope, SdkTracer)>; KEPT],
}

impl Tracers {
    pub(crate) fn new(provider: SdkTracerProvider) -> Self {
        Self {
            provider,
            kept: Default::default(),
        }
    }

    /// Calls `work` with the tracer of this scope.
    pub(crate) fn with<T>(
        &self,
        scope: &InstrumentationScope,
        work: impl FnOnce(&SdkTracer) -> T,
    ) -> T {
        for place in &self.kept {
            let (known, tracer) = place.get_or_init(|| (scope.clone(), self.tracer(scope)));
            if is_same(known, scope) {
                return work(tracer);
            }
        }
        work(&self.tracer(scope))
    }

    fn tracer(&self, scope: &InstrumentationScope) -> SdkTracer {
        self.provider.tracer_with_scope(scope.clone())
    }
}

/// The comparison of the type itself allocates memory for the attributes, which scopes rarely have.
fn is_same(one: &InstrumentationScope, other: &InstrumentationScope) -> bool {
    if one.attributes().next().is_some() || other.attributes().next().is_some() {
        return one == other;
    }
    is_same_text(Some(one.name()), Some(other.name()))
        && is_same_text(one.version(), other.version())
        && is_same_text(one.schema_url(), other.schema_url())
}

/// The texts of a scope are usually constants, so their addresses are compared first.
#[inline]
fn is_same_text(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => ptr::eq(one, other) || one == other,
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_has_its_tracer_however_many_there_are() {
        let tracers = Tracers::new(SdkTracerProvider::builder().build());
        for _ in 0..2 {
            for number in 0..2 * KEPT {
                let name = format!("scope {number}");
                let scope = InstrumentationScope::builder(name.clone()).build();
                let shown = tracers.with(&scope, |tracer| format!("{tracer:?}"));
                assert!(shown.contains(&name), "{shown}");
            }
        }
    }
}
