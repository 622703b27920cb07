//! Detects places where a request loses its context, while the service runs.
//!
//! Detection is off until [`start`] is called. Each [`Loss`] is then counted, and reported in one `tracing` event (WARN,
//! target `otel_core::context_loss`) per place and interval. Headers that the propagators of [`propagation`](crate::propagation)
//! refuse are reported per reason instead. The guide `docs/context-loss.md` explains each kind of loss and
//! how to fix it. While detection is off, a request and a call each cost one atomic load.
//!
//! # Examples
//!
//! ```
//! otel_core::context_loss::start();
//! // … serve …
//! assert!(otel_core::context_loss::losses().is_empty());
//! # otel_core::context_loss::stop();
//! ```

mod expected_trace;
mod loss;
mod register;
mod switch;

use std::env;
use std::time::Duration;

#[doc(hidden)]
pub use self::expected_trace::ExpectedTrace;
pub use self::loss::{Loss, LossKind};
pub use self::switch::is_started;

/// The variable that enables detection: `OTEL_RUST_CONTEXT_LOSS_DETECTION`.
pub const VARIABLE: &str = "OTEL_RUST_CONTEXT_LOSS_DETECTION";
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

/// Starts detection in this process. Each place and each refused header's reason is reported at most once a minute.
pub fn start() {
    start_with_interval(DEFAULT_INTERVAL);
}

/// Starts detection in this process. Each place and each refused header's reason is reported at most once per `interval`.
pub fn start_with_interval(interval: Duration) {
    register::set_interval(interval);
    switch::set(true);
}

/// Stops detection. The counts stay.
pub fn stop() {
    switch::set(false);
}

/// Returns `true` if [`VARIABLE`] is `true`, in any case.
///
/// `otel_setup` then starts detection. So does every recorder of `otel-testkit`, and its test fails after a loss.
#[must_use]
pub fn is_requested_by_env() -> bool {
    env::var(VARIABLE).is_ok_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Returns the losses since the start of the process, one per place, the most frequent first.
///
/// At most 256 places are kept apart. [`count`] includes losses at further places.
#[must_use]
pub fn losses() -> Vec<Loss> {
    register::losses()
}

/// Returns the number of losses of this kind since the start of the process.
#[must_use]
pub fn count(kind: LossKind) -> u64 {
    register::count(kind)
}

/// Returns every kind with the number of its losses since the start of the process, which may be 0.
pub fn counts() -> impl Iterator<Item = (LossKind, u64)> {
    LossKind::ALL.into_iter().map(|kind| (kind, count(kind)))
}

/// Returns the number of losses of all kinds since the start of the process.
#[must_use]
pub fn total() -> u64 {
    LossKind::ALL.into_iter().map(count).sum()
}

/// Counts a loss and reports it if its place is due. For instrumentations, which name the span and themselves.
#[doc(hidden)]
pub fn report(kind: LossKind, span_name: String, instrumentation: &'static str) {
    register::lost(kind, span_name, instrumentation);
}

/// Counts a header that was refused, and reports it if its reason is due.
pub(crate) fn report_header(kind: LossKind, reason: String) {
    register::lost_header(kind, reason);
}

/// Compiles the guide's examples.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/context-loss.md")]
mod guide {}
