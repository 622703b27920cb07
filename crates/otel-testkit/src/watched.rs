//! State that threads can wait on.

use std::{
    error::Error,
    fmt,
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::trace::Trace;

/// A value behind a lock that wakes whoever waits for it to change.
#[derive(Debug, Default)]
pub(crate) struct Watched<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State<T> {
    value: T,
    version: u64,
}

impl<T> Watched<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            state: Mutex::new(State { value, version: 0 }),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.lock().value)
    }

    pub(crate) fn update<R>(&self, update: impl FnOnce(&mut T) -> R) -> R {
        let mut state = self.lock();
        state.version = state.version.wrapping_add(1);
        let result = update(&mut state.value);
        drop(state);
        self.changed.notify_all();
        result
    }

    /// Asks `check` now and after each change until it answers or the limit has passed.
    ///
    /// The lock is free while `check` runs, so that it may read this value and take its time.
    pub(crate) fn wait<R>(
        &self,
        limit: Duration,
        mut check: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        let start = Instant::now();
        loop {
            let version = self.lock().version;
            if let Some(answer) = check() {
                return Some(answer);
            }
            let left = limit.checked_sub(start.elapsed())?;
            let unchanged = |state: &mut State<T>| state.version == version;
            let waited = self
                .changed
                .wait_timeout_while(self.lock(), left, unchanged);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// A panic elsewhere must not take the recording with it: it is what explains the panic.
    fn lock(&self) -> std::sync::MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a wait whose condition did not come true in time.
///
/// Its message shows the traces that were there when time ran out.
pub struct TimedOut {
    limit: Duration,
    seen: String,
}

impl TimedOut {
    pub(crate) fn new(limit: Duration, traces: &[Trace]) -> Self {
        Self {
            limit,
            seen: pictures(traces),
        }
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, seen } = self;
        write!(f, "the condition was not met within {limit:?}; {seen}")
    }
}

/// The message, for a `main` or a test that returns the error.
impl fmt::Debug for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for TimedOut {}

/// Describes what was seen, the first lines of it where it is long.
pub(crate) fn pictures(traces: &[Trace]) -> String {
    let spans: usize = traces.iter().map(|trace| trace.spans().len()).sum();
    let mut text = match traces.len() {
        0 => return "no span was seen".to_owned(),
        1 => format!("1 trace was seen ({spans} spans):"),
        many => format!("{many} traces were seen ({spans} spans):"),
    };
    let mut lines = 0;
    for trace in traces {
        for line in trace.to_string().lines() {
            if lines == MAX_LINES {
                text.push_str("\n…");
                return text;
            }
            lines += 1;
            text.push('\n');
            text.push_str(line);
        }
    }
    text
}

const MAX_LINES: usize = 200;

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::span::sample::{checkout, span};

    #[test]
    fn a_waiting_thread_wakes_when_the_value_changes() {
        let watched = Watched::new(0);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                watched.wait(Duration::from_secs(60), || {
                    watched.read(|value| (*value == 3).then_some(*value))
                })
            });
            for _ in 0..3 {
                watched.update(|value| *value += 1);
            }
            assert_eq!(waiting.join().unwrap(), Some(3));
        });
    }

    #[test]
    fn a_wait_ends_at_its_limit() {
        let watched = Watched::new(());
        assert_eq!(watched.wait(Duration::ZERO, || None::<()>), None);
    }

    #[test]
    fn the_error_shows_what_was_seen() {
        let limit = Duration::from_secs(2);
        let message = TimedOut::new(limit, &Trace::group(checkout())).to_string();
        assert!(
            message.starts_with("the condition was not met within 2s; 1 trace was seen (5 spans):"),
            "{message}"
        );
        assert!(message.contains("price the cart"), "{message}");
        let message = TimedOut::new(limit, &[]).to_string();
        assert!(message.ends_with("no span was seen"), "{message}");
    }

    #[test]
    fn what_was_seen_is_cut_where_it_is_long() {
        let spans = (1..=10_000).map(|id| span(id, 0, "x", 0, 1).build());
        assert_eq!(
            pictures(&Trace::group(spans)).lines().count(),
            MAX_LINES + 2
        );
    }
}
