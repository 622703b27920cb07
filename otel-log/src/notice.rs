//! What the layer itself reports, each once.

use std::{
    io::{self, Write as _},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// The state of the notice [`NO_IDS`].
#[derive(Debug, Default)]
pub(crate) struct Notice {
    is_settled: AtomicBool,
}

impl Notice {
    /// Notes a line. Returns `true` for the first line in a span, if no line had ids before.
    pub(crate) fn is_due(&self, has_ids: bool, in_span: impl FnOnce() -> bool) -> bool {
        if self.is_settled.load(Ordering::Relaxed) || (!has_ids && !in_span()) {
            return false;
        }
        !self.is_settled.swap(true, Ordering::Relaxed) && !has_ids
    }
}

/// The field with the name of an event of the layer itself.
pub(crate) const EVENT_NAME: &str = "event.name";

/// A line of the layer itself.
pub(crate) struct NoticeLine {
    pub(crate) event_name: &'static str,
    pub(crate) message: &'static str,
}

pub(crate) const NO_IDS: NoticeLine = NoticeLine {
    event_name: "no_trace_id",
    message: "lines in spans have no trace_id: no OpenTelemetry layer knows the spans; add otel_tracing::layer(&provider) to the \
              subscriber, or turn this notice off with expect_ids(false)",
};

/// Reports the first line that could not be written. Standard error may be broken too, which is ignored.
pub(crate) fn write_failed(error: &io::Error) {
    let _ = writeln!(
        io::stderr(),
        "otel_log: cannot write a log line: {error}; lines that fail from now on are only counted \
         event.name=\"log_write_failed\""
    );
}

/// Reports a file that could not be reopened.
pub(crate) fn reopen_failed(path: &Path, error: &io::Error) {
    let path = path.display();
    let _ = writeln!(
        io::stderr(),
        "otel_log: cannot reopen {path}: {error}; lines still go to the file that was open \
         event.name=\"log_reopen_failed\""
    );
}
