//! Limits how often a place in the code may log.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use tracing_core::Metadata;

/// Whether a callsite may write one more line in the second of `time`.
///
/// `state` holds the callsite's last second, and the number of its lines in that second.
pub(crate) fn allows(state: &AtomicU64, limit: u32, time: SystemTime) -> bool {
    let second = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let second = second << COUNT_BITS;
    let counted = state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| {
        if state & !COUNT_MASK != second {
            return (limit > 0).then_some(second | 1);
        }
        (state & COUNT_MASK < u64::from(limit)).then_some(state + 1)
    });
    counted.is_ok()
}

/// The states of records of the `log` crate, which share one callsite. Two places in the code may share one of the
/// 256 states.
#[derive(Debug)]
pub(crate) struct Places([AtomicU64; 256]);

impl Places {
    /// Returns the state of the place that this record comes from.
    pub(crate) fn get(&self, record: &Metadata<'_>) -> Option<&AtomicU64> {
        let mut hasher = DefaultHasher::new();
        (record.target(), record.file(), record.line()).hash(&mut hasher);
        self.0.get(hasher.finish() as usize % self.0.len())
    }
}

impl Default for Places {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; 256])
    }
}

/// The bits of the count. The seconds have the other bits.
const COUNT_BITS: u32 = 32;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_second_has_its_own_count() {
        let state = AtomicU64::new(0);
        let at = |seconds| UNIX_EPOCH + Duration::from_millis(seconds);
        let allowed = [
            100_000, 100_400, 100_900, 101_000, 101_999, 101_999, 102_000,
        ]
        .map(|time| allows(&state, 2, at(time)));
        assert_eq!(allowed, [true, true, false, true, true, false, true]);
        assert!(!allows(&AtomicU64::new(0), 0, at(0)));
    }
}
