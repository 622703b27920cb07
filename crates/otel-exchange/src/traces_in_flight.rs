//! The traces of the requests in flight, for the detection of context loss.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::trace::TraceId;

/// If two requests share a slot, the later one owns it. A loss may then stay undetected; none is invented.
const SLOTS: usize = 4096;

static TRACES: [AtomicU64; SLOTS] = [const { AtomicU64::new(0) }; SLOTS];

pub(crate) fn add(trace: TraceId) {
    let (slot, key) = slot_and_key(trace);
    slot.store(key, Ordering::Relaxed);
}

pub(crate) fn remove(trace: TraceId) {
    let (slot, key) = slot_and_key(trace);
    // If this fails, another request owns the slot.
    let _ = slot.compare_exchange(key, 0, Ordering::Relaxed, Ordering::Relaxed);
}

pub(crate) fn contains(trace: TraceId) -> bool {
    let (slot, key) = slot_and_key(trace);
    slot.load(Ordering::Relaxed) == key
}

/// Uses the right half of the trace id, which is random; some tracers leave the left half zero.
fn slot_and_key(trace: TraceId) -> (&'static AtomicU64, u64) {
    let [.., a, b, c, d, e, f, g, h] = trace.to_bytes();
    let key = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let [first, ..] = &TRACES;
    let slot = usize::from(u16::from_be_bytes([g, h])) % SLOTS;
    // Zero marks an empty slot.
    (TRACES.get(slot).unwrap_or(first), key.max(1))
}
