//! Counts losses and reports each place once per interval.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::loss::{Loss, LossKind, Place};

/// Span names come from the application, so their number is not bounded.
const MAX_PLACES: usize = 256;

static COUNTS: [AtomicU64; LossKind::ALL.len()] =
    [const { AtomicU64::new(0) }; LossKind::ALL.len()];
static REGISTER: LazyLock<Mutex<Register>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Register {
    interval: Duration,
    places: HashMap<(LossKind, Place), Seen>,
}

struct Seen {
    count: u64,
    reported: Instant,
}

pub(super) fn set_interval(interval: Duration) {
    register().interval = interval;
}

pub(super) fn lost(kind: LossKind, span: String, instrumentation: &'static str) {
    let place = Place::Span {
        name: span,
        instrumentation,
        thread: this_thread(),
    };
    lost_at(kind, &place);
}

pub(super) fn lost_header(kind: LossKind, reason: String) {
    lost_at(kind, &Place::Header { reason });
}

fn lost_at(kind: LossKind, place: &Place) {
    counter(kind).fetch_add(1, Ordering::Relaxed);
    // The lock is released before the report, because the writer of the report may detect a loss itself.
    let due = register().note(kind, place, Instant::now());
    if due {
        report(kind, place);
    }
}

pub(super) fn losses() -> Vec<Loss> {
    let register = register();
    let seen = register.places.iter();
    let mut losses: Vec<Loss> = seen
        .map(|((kind, place), seen)| Loss::new(*kind, place.clone(), seen.count))
        .collect();
    losses.sort_by(|one, other| {
        let order = other.count().cmp(&one.count());
        order.then_with(|| (one.kind(), one.span()).cmp(&(other.kind(), other.span())))
    });
    losses
}

pub(super) fn count(kind: LossKind) -> u64 {
    counter(kind).load(Ordering::Relaxed)
}

impl Register {
    /// Counts the loss. Returns `true` if this place is due for a report.
    fn note(&mut self, kind: LossKind, place: &Place, now: Instant) -> bool {
        let is_full = self.places.len() >= MAX_PLACES;
        let key = (kind, place.clone());
        let Some(seen) = self.places.get_mut(&key) else {
            if !is_full {
                let seen = Seen {
                    count: 1,
                    reported: now,
                };
                self.places.insert(key, seen);
            }
            return !is_full;
        };
        seen.count += 1;
        let due = now.duration_since(seen.reported) >= self.interval;
        if due {
            seen.reported = now;
        }
        due
    }
}

fn counter(kind: LossKind) -> &'static AtomicU64 {
    let [
        call,
        after,
        inside,
        traceparent,
        tracestate,
        b3,
        b3_deny,
        outside,
    ] = &COUNTS;
    match kind {
        LossKind::CallWithoutParent => call,
        LossKind::ContextAfterRequest => after,
        LossKind::RequestInsideRequest => inside,
        LossKind::RefusedTraceparent => traceparent,
        LossKind::RefusedTracestate => tracestate,
        LossKind::RefusedB3 => b3,
        LossKind::B3DenyWithoutIds => b3_deny,
        LossKind::SpanOutsideContext => outside,
    }
}

fn register() -> MutexGuard<'static, Register> {
    REGISTER.lock().unwrap_or_else(PoisonError::into_inner)
}

fn this_thread() -> String {
    let thread = thread::current();
    match thread.name() {
        Some(name) => name.to_owned(),
        None => format!("{:?}", thread.id()),
    }
}

fn report(kind: LossKind, place: &Place) {
    match place {
        Place::Span {
            name,
            instrumentation,
            thread,
        } => tracing::warn!(
            target: "otel_core::context_loss",
            {
                event.name = kind.as_str(),
                kind = kind.as_str(),
                span_name = name,
                instrumentation,
                thread,
                guide = kind.guide(),
            },
            "{}",
            kind.message()
        ),
        Place::Header { reason } => tracing::warn!(
            target: "otel_core::context_loss",
            { event.name = kind.as_str(), kind = kind.as_str(), reason, guide = kind.guide() },
            "{}",
            kind.message()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(span: &str) -> Place {
        Place::Span {
            name: span.to_owned(),
            instrumentation: "otel_tower",
            thread: "main".to_owned(),
        }
    }

    #[test]
    fn a_place_is_reported_once_in_an_interval() {
        let mut register = Register {
            interval: Duration::from_secs(60),
            ..Register::default()
        };
        let start = Instant::now();
        let mut note = |span, seconds| {
            let now = start + Duration::from_secs(seconds);
            register.note(LossKind::CallWithoutParent, &place(span), now)
        };
        assert!(note("GET /a", 0));
        assert!(!note("GET /a", 59));
        assert!(note("GET /b", 59));
        assert!(note("GET /a", 60));
        assert!(!note("GET /a", 61));
    }

    #[test]
    fn places_without_end_do_not_fill_the_memory() {
        let mut register = Register::default();
        let now = Instant::now();
        for number in 0..2 * MAX_PLACES {
            let place = place(&number.to_string());
            let reported = register.note(LossKind::CallWithoutParent, &place, now);
            assert_eq!(reported, number < MAX_PLACES);
        }
        assert_eq!(register.places.len(), MAX_PLACES);
    }
}
