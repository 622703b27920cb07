//! A value whose changes threads can wait for.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A value behind a lock. Each change wakes the threads that wait for it.
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

    /// Calls `check` now and after each change, and returns its first answer. Returns `None` after `limit`.
    ///
    /// The value is not locked while `check` runs, so `check` may read the value and may take long.
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
            let waited = self
                .changed
                .wait_timeout_while(self.lock(), left, |state| state.version == version);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Ignores the panic of another thread, since a recording helps to explain the panic.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

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
}
