//! The memory a line is made in, kept per thread so that a line needs no allocation.

use std::cell::Cell;

/// A buffer for the line and a list for the names in it.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) line: Vec<u8>,
    pub(crate) names: Vec<&'static str>,
}

impl Scratch {
    pub(crate) fn clear(&mut self) {
        self.line.clear();
        self.names.clear();
    }
}

/// Runs `f` with this thread's memory, empty.
///
/// It is taken out while in use, so that a `Debug` that logs again gets memory of its own; the same goes for lines
/// written while the thread's locals are destroyed.
pub(crate) fn with<R>(f: impl FnOnce(&mut Scratch) -> R) -> R {
    let mut scratch = SCRATCH.try_with(Cell::take).unwrap_or_default();
    let result = f(&mut scratch);
    scratch.clear();
    if scratch.line.capacity() <= MAX_KEPT {
        let _ = SCRATCH.try_with(|kept| kept.set(scratch));
    }
    result
}

thread_local! {
    static SCRATCH: Cell<Scratch> = const { Cell::new(Scratch { line: Vec::new(), names: Vec::new() }) };
}

/// One huge line must not occupy its memory for as long as the thread lives.
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
