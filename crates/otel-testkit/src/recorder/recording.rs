//! The recorded spans and log lines.

use crate::span::Span;

/// The finished spans and the text of the log lines, in the order they arrived.
#[derive(Debug, Default)]
pub(super) struct Recording {
    pub(super) spans: Vec<Span>,
    pub(super) lines: Vec<String>,
}
