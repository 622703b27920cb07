//! What the set-up of a process has switched off on purpose, so that no instrumentation warns of it.

use std::sync::atomic::{AtomicBool, Ordering};

static ARE_TRACES_OFF: AtomicBool = AtomicBool::new(false);
static IS_PROPAGATION_CHOSEN: AtomicBool = AtomicBool::new(false);

/// Notes that the process has no tracer provider on purpose, as with `OTEL_SDK_DISABLED=true`.
pub fn set_traces_off() {
    ARE_TRACES_OFF.store(true, Ordering::Relaxed);
}

/// Returns `true` if the process has no tracer provider on purpose.
#[must_use]
pub fn are_traces_off() -> bool {
    ARE_TRACES_OFF.load(Ordering::Relaxed)
}

/// Notes that the global propagator is set, also if it reads nothing, as with `OTEL_PROPAGATORS=none`.
pub fn set_propagation_chosen() {
    IS_PROPAGATION_CHOSEN.store(true, Ordering::Relaxed);
}

/// Returns `true` if the global propagator is set on purpose.
#[must_use]
pub fn is_propagation_chosen() -> bool {
    IS_PROPAGATION_CHOSEN.load(Ordering::Relaxed)
}
