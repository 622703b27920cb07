//! Sees where the context of a request gets lost, while it happens.
//!
//! Off until [`start`] is called; then each [`Loss`] is counted, and reported in one `tracing` event (WARN, target
//! `otel_core::watch`) for each place and interval. What is a loss, and how each is mended, is in the guide
//! `docs/context-loss.md`.
//!
//! # Examples
//!
//! ```
//! otel_core::watch::start();
//! // … serve …
//! assert!(otel_core::watch::losses().is_empty());
//! # otel_core::watch::stop();
//! ```
//!
//! # For instrumentations
//!
//! A server half holds a [`BeginningRequest`] before its SERVER span is opened, and the [`WatchedRequest`] that comes of it
//! until that has ended; a request that it skips runs in a context [`without_span`]. A client half calls [`call_starts`] with
//! the parent of its CLIENT span. Each costs one atomic load while detection is off.

mod loss;
mod register;
mod request;
mod serving;

use std::env;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use self::loss::{Loss, LossKind};
pub use self::request::{BeginningRequest, WatchedRequest, call_starts, without_span};

static ON: AtomicBool = AtomicBool::new(false);

/// The variable that asks for detection: `OTEL_RUST_CONTEXT_LOSS_DETECTION`.
pub const VARIABLE: &str = "OTEL_RUST_CONTEXT_LOSS_DETECTION";

/// How long a place stays silent after it has been reported, unless [`start_with_interval`] says otherwise.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

/// Starts detection in this process, with a report for each place at most once a minute.
pub fn start() {
    start_with_interval(DEFAULT_INTERVAL);
}

/// Whether the variable [`VARIABLE`] is `true`, in any case of letters.
///
/// `otel_setup` starts detection then, and so does every recorder of `otel-testkit`, whose test fails after a loss.
#[must_use]
pub fn is_asked_for() -> bool {
    env::var(VARIABLE).is_ok_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Starts detection in this process, with a report for each place at most once in `interval`.
pub fn start_with_interval(interval: Duration) {
    register::set_interval(interval);
    ON.store(true, Ordering::Relaxed);
}

/// Stops detection; what has been counted stays.
pub fn stop() {
    ON.store(false, Ordering::Relaxed);
}

/// Whether detection has been started in this process, and not stopped again.
#[must_use]
pub fn has_started() -> bool {
    ON.load(Ordering::Relaxed)
}

/// Returns what has been lost since the start of the process, a line for each place, the most frequent first.
///
/// At most 256 places are told apart; losses at further ones are counted by [`count`] alone.
#[must_use]
pub fn losses() -> Vec<Loss> {
    register::losses()
}

/// Returns how often context has been lost in this way since the start of the process, for a counter of your own.
#[must_use]
pub fn count(kind: LossKind) -> u64 {
    register::count(kind)
}

/// Returns how often context has been lost in any way since the start of the process.
#[must_use]
pub fn total() -> u64 {
    LossKind::ALL.into_iter().map(count).sum()
}

/// The guide's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/context-loss.md")]
mod guide {}
