//! Which span an id means: a shadow or a real span.

use std::cell::Cell;

use tracing_core::span::Id;

/// What this thread means by the id of a span, until this is dropped.
///
/// tracing-opentelemetry's callbacks run on shadows. All other look-ups are of real spans.
pub(super) struct Lookup(Option<(u64, u64)>);

impl Lookup {
    pub(super) fn of_shadow(shadow: &Id, real: &Id) -> Self {
        Self(SHADOW_AND_REAL.replace(Some((shadow.into_u64(), real.into_u64()))))
    }
}

/// Returns the id of the shadow on which tracing-opentelemetry's callback runs, and the id of the real span.
pub(super) fn shadow_and_real() -> Option<(u64, u64)> {
    SHADOW_AND_REAL.get()
}

impl Drop for Lookup {
    fn drop(&mut self) {
        SHADOW_AND_REAL.set(self.0);
    }
}

thread_local! {
    static SHADOW_AND_REAL: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
}
