//! Keeps a line that repeats from flooding the log.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use tracing_core::Metadata;

/// Whether one more line of a callsite may be written in the second that `time` lies in.
///
/// `state` holds the second and how many lines it has had.
pub(crate) fn allows(state: &AtomicU64, limit: u32, time: SystemTime) -> bool {
    let second = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let second = second << COUNT_BITS;
    let next = |state: u64| {
        if state & !COUNT_MASK != second {
            return Some(second | 1);
        }
        (state & COUNT_MASK < u64::from(limit)).then_some(state + 1)
    };
    limit > 0
        && state
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .is_ok()
}

/// Places in code that have no callsite of their own. Two of them may share a limit: there are 256.
#[derive(Debug)]
pub(crate) struct Places([AtomicU64; 256]);

impl Places {
    /// Where the count of the place stands that this record comes from.
    pub(crate) fn of(&self, record: &Metadata<'_>) -> Option<&AtomicU64> {
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

/// What a `u32` needs; the seconds have the rest.
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
