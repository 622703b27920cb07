//! The memory a line is made in, kept per thread so that a line needs no allocation.

use std::cell::RefCell;

use crate::timestamp::LastSecond;

/// A buffer for the line, a list for the names in it, and the text of the time.
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

/// Runs `f` with this thread's memory, empty.
///
/// A `Debug` that logs again while it is in use gets memory of its own; so do lines written while the thread's locals are
/// destroyed.
pub(crate) fn with<R>(f: impl FnOnce(&mut Scratch) -> R) -> R {
    let mut f = Some(f);
    let result = SCRATCH.try_with(|kept| {
        let mut scratch = kept.try_borrow_mut().ok()?;
        scratch.clear();
        let result = f.take().map(|f| f(&mut scratch));
        if scratch.line.capacity() > MAX_KEPT {
            scratch.line = Vec::new();
        }
        result
    });
    match (result, f) {
        (Ok(Some(result)), _) => result,
        (_, Some(f)) => f(&mut Scratch::default()),
        _ => unreachable!("without a result it was not called"),
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = const {
        RefCell::new(Scratch { line: Vec::new(), names: Vec::new(), last_second: LastSecond::new() })
    };
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
