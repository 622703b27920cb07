//! The level of the `log` crate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber, dispatcher};

/// Sets the level of the `log` crate to that of the subscriber.
///
/// The bridge of tracing-log sets that level only once, when a subscriber is installed.
pub(super) fn follow_max_level() {
    if let Ok(level) = LevelFilter::current().to_string().parse() {
        log::set_max_level(level);
    }
}

/// Returns `true` if the logger of the process asks the current subscriber about a record. An application may have a logger of its
/// own, whose level must stay.
pub(super) fn is_bridged() -> bool {
    let was_asked = Arc::new(AtomicBool::new(false));
    let probe = Dispatch::new(Probe(Arc::clone(&was_asked)));
    let metadata = log::Metadata::builder()
        .level(log::Level::Error)
        .target("otel_setup")
        .build();
    dispatcher::with_default(&probe, || log::logger().enabled(&metadata));
    was_asked.load(Ordering::Relaxed)
}

/// A subscriber that only notes whether a record was shown to it.
struct Probe(Arc<AtomicBool>);

impl Subscriber for Probe {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::never()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::ERROR)
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        self.0.store(true, Ordering::Relaxed);
        false
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
