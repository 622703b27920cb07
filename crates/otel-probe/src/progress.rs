//! A status line on the terminal.

use std::io::{self, IsTerminal as _, Write as _};

/// One line on standard error that is rewritten in place. Writes nothing if standard error is not a terminal.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    shown: String,
}

impl Progress {
    /// Replaces the line.
    pub(crate) fn show(&mut self, line: String) {
        if io::stderr().is_terminal() && line != self.shown {
            eprint!("\r\x1b[2K{line}");
            let _ = io::stderr().flush(); // a failure cannot be reported anywhere
            self.shown = line;
        }
    }

    /// Removes the line, so that other output starts at the left edge.
    pub(crate) fn clear(&mut self) {
        if !self.shown.is_empty() {
            eprint!("\r\x1b[2K");
            self.shown.clear();
        }
    }
}
