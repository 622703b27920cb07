//! Which traces are those of requests in flight.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::trace::TraceId;

/// Where two requests share a place, the later one has it: then a loss may go unseen, and none is made up.
const PLACES: usize = 4096;

static SERVING: [AtomicU64; PLACES] = [const { AtomicU64::new(0) }; PLACES];

pub(super) fn add(trace: TraceId) {
    let (place, rest) = split(trace);
    place.store(rest, Ordering::Relaxed);
}

pub(super) fn remove(trace: TraceId) {
    let (place, rest) = split(trace);
    // Where it fails, another request has taken the place.
    let _ = place.compare_exchange(rest, 0, Ordering::Relaxed, Ordering::Relaxed);
}

pub(super) fn contains(trace: TraceId) -> bool {
    let (place, rest) = split(trace);
    place.load(Ordering::Relaxed) == rest
}

/// The right half of a trace id is random; some tracers leave the left half zero.
fn split(trace: TraceId) -> (&'static AtomicU64, u64) {
    let [.., a, b, c, d, e, f, g, h] = trace.to_bytes();
    let random = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let [first, ..] = &SERVING;
    let place = usize::from(u16::from_be_bytes([g, h])) % PLACES;
    // Zero stands for an empty place.
    (SERVING.get(place).unwrap_or(first), random.max(1))
}
