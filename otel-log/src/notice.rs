//! What the layer has to say itself, each thing once.

use std::{
    io::{self, Write as _},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// Says once that nothing knows the ids of the spans that lines are written in.
#[derive(Debug, Default)]
pub(crate) struct Notice {
    settled: AtomicBool,
}

impl Notice {
    /// Notes one line; `true` for the first that lies in a span while none had ids so far.
    pub(crate) fn is_due(&self, has_ids: bool, in_span: impl FnOnce() -> bool) -> bool {
        if self.settled.load(Ordering::Relaxed) || (!has_ids && !in_span()) {
            return false;
        }
        !self.settled.swap(true, Ordering::Relaxed) && !has_ids
    }
}

/// The event that says so.
pub(crate) const NO_IDS: &str = "lines in spans have no trace_id: no OpenTelemetry layer knows the spans; add \
     tracing_opentelemetry::layer() to the subscriber, or turn this notice off with expect_ids(false)";

/// Reports a line that could not be written. Standard error may be broken too, and must not end the program.
pub(crate) fn write_failed(error: &io::Error) {
    let _ = writeln!(
        io::stderr(),
        "otel_log: cannot write a log line: {error}; lines that fail from now on are only counted"
    );
}

/// Reports a file that could not be opened again.
pub(crate) fn reopen_failed(path: &Path, error: &io::Error) {
    let path = path.display();
    let _ = writeln!(
        io::stderr(),
        "otel_log: cannot open {path} again: {error}; lines still go to the file that was open"
    );
}
