//! The memory in which a line is made, kept for each thread so that a line needs no allocation.

use std::cell::Cell;

use crate::timestamp::LastSecond;

/// A buffer for the line, a list for names of fields, and the text of the current second.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) line: Vec<u8>,
    pub(crate) names: Vec<&'static str>,
    pub(crate) last_second: LastSecond,
}

impl Scratch {
    pub(crate) fn clear(&mut self) {
        self.line.clear();
        self.names.clear();
    }
}

/// Runs `f` with this thread's memory, cleared.
///
/// While the memory is in use, a `Debug` that logs gets new memory. So does a line that is written while the locals of the
/// thread are destroyed.
pub(crate) fn with<R>(f: impl FnOnce(&mut Scratch) -> R) -> R {
    let kept = SCRATCH.try_with(Cell::take).ok().flatten();
    let mut scratch = kept.unwrap_or_default();
    scratch.clear();
    let result = f(&mut scratch);
    if scratch.line.capacity() > MAX_KEPT {
        scratch.line = Vec::new();
    }
    let _ = SCRATCH.try_with(|kept| kept.set(Some(scratch)));
    result
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// The most bytes that are kept: a thread must not hold the memory of one huge line for as long as it lives.
const MAX_KEPT: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_reused_but_not_hoarded() {
        with(|scratch| scratch.line.resize(1000, 0));
        assert!(with(
            |scratch| scratch.line.is_empty() && scratch.line.capacity() >= 1000
        ));
        with(|scratch| scratch.line.resize(MAX_KEPT + 1, 0));
        assert_eq!(with(|scratch| scratch.line.capacity()), 0);
    }

    #[test]
    fn a_line_within_a_line_has_its_own_memory() {
        with(|outer| {
            outer.line.push(b'a');
            with(|inner| assert!(inner.line.is_empty()));
            assert_eq!(outer.line, b"a");
        });
    }
}
