//! Texts that are cut at a limit, and the texts of errors and of values that format themselves.

use std::{
    error::Error,
    fmt::{self, Write as _},
    iter,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::limits::cut;

/// Marks the end of a text that was cut.
pub const CUT: &str = "…[cut]";
/// The most errors of a chain that are written. An error can be its own source.
pub const MAX_SOURCES: usize = 32;
const FAILED: &str = "<formatting failed>";
const PANICKED: &str = "<formatting panicked>";

/// Passes the text of a value to `push`, at most `limit` bytes, and returns what to append: [`CUT`] or nothing.
///
/// # Errors
///
/// The `Debug` or `Display` of the value may be the application's code. If it fails or panics, returns a text to write instead
/// of the value.
#[inline]
pub fn push_formatted(
    value: fmt::Arguments<'_>,
    limit: usize,
    push: impl FnMut(&str),
) -> Result<&'static str, &'static str> {
    let mut cutter = Cutter {
        push,
        left: limit,
        is_cut: false,
    };
    match catch_unwind(AssertUnwindSafe(|| cutter.write_fmt(value))) {
        Ok(_) if cutter.is_cut => Ok(CUT),
        Ok(Ok(())) => Ok(""),
        Ok(Err(fmt::Error)) => Err(FAILED),
        Err(_) => Err(PANICKED),
    }
}

/// Returns the error and its sources, outermost first.
pub fn chain<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| {
        catch_unwind(AssertUnwindSafe(|| error.source())).unwrap_or(None)
    })
    .take(MAX_SOURCES)
}

struct Cutter<P> {
    push: P,
    left: usize,
    is_cut: bool,
}

impl<P: FnMut(&str)> fmt::Write for Cutter<P> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if let Some(left) = self.left.checked_sub(text.len()) {
            self.left = left;
            (self.push)(text);
            return Ok(());
        }
        (self.push)(cut(text, self.left));
        self.left = 0;
        self.is_cut = true;
        // The error ends a `Debug` that may never end by itself.
        Err(fmt::Error)
    }
}
