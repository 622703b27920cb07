//! Instruments, found when the first request needs them.

use std::fmt;
use std::sync::OnceLock;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::{InstrumentationScope, global};

/// The buckets that the conventions advise for durations, in seconds.
pub(crate) const DURATION_BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// Instruments that look up the global meter provider until one is set, and keep those.
pub(crate) struct LazyInstruments<T> {
    scope: InstrumentationScope,
    make: fn(&Meter) -> T,
    found: OnceLock<T>,
}

impl<T> LazyInstruments<T> {
    pub(crate) fn new(scope: InstrumentationScope, make: fn(&Meter) -> T) -> Self {
        Self {
            scope,
            make,
            found: OnceLock::new(),
        }
    }

    /// Takes those of this provider instead of the global one's.
    pub(crate) fn of(self, provider: &impl MeterProvider) -> Self {
        let meter = provider.meter_with_scope(self.scope.clone());
        let found = OnceLock::from((self.make)(&meter));
        Self { found, ..self }
    }

    /// There are none without a meter provider.
    pub(crate) fn get(&self) -> Option<&T> {
        if let Some(found) = self.found.get() {
            return Some(found);
        }
        let provider = global::meter_provider();
        // The API's no-op provider has no content, and no other way to tell it. A real one has a pipeline to hold.
        if size_of_val(&*provider) == 0 {
            return None;
        }
        let meter = provider.meter_with_scope(self.scope.clone());
        Some(self.found.get_or_init(|| (self.make)(&meter)))
    }
}

impl<T> fmt::Debug for LazyInstruments<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyInstruments")
            .field("scope", &self.scope.name())
            .field("found", &self.found.get().is_some())
            .finish_non_exhaustive()
    }
}
