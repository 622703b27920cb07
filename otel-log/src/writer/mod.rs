//! A writer that takes lines into memory and writes many of them at once.

mod at_exit;
mod buffer;
mod sink;

use std::{fmt, io, path::Path, sync::Arc, thread, time::Duration};

use tracing_core::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use self::{
    buffer::{Buffer, flush_until_stopped},
    sink::Sink,
};

/// A writer that gathers lines in memory, and a thread that writes them.
///
/// Whoever logs copies a line and goes on: a system call for each line would cost more than making it, and a reader that
/// stands still would hold up every request. The thread writes when 64 KiB have gathered, 100 ms after the first line of a
/// batch, and at once after a line of level ERROR. What waits is written
///
/// - when [`flush`](Self::flush) is called, and when a [`FlushGuard`] or the last clone is dropped,
/// - when a thread panics,
/// - when a thread ends that made the writer or wrote to it, which includes calling [`std::process::exit`] there.
///
/// Each of these waits for 2 seconds at most; while a reader stands still, panics and ends of threads do so only once. An abort or a signal that kills the process loses what has not been written.
///
/// When lines come faster than they can be written, 8 MiB of them wait; those beyond are lost and counted, as are those
/// whose write failed ([`lost`](Self::lost)).
///
/// # Examples
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// let writer = otel_log::BufferedWriter::stdout();
/// let _guard = writer.guard(); // for the end of main
/// tracing_subscriber::registry().with(otel_log::layer().writer(writer)).init();
/// tracing::info!("started");
/// ```
#[derive(Clone)]
pub struct BufferedWriter(Arc<Owner>);

/// Stops the thread when the last clone goes.
struct Owner {
    buffer: Arc<Buffer>,
}

/// Flushes its [`BufferedWriter`] when it is dropped; hold it to the end of `main`.
#[derive(Debug)]
#[must_use = "it flushes when it is dropped, so hold it to the end of main"]
pub struct FlushGuard(BufferedWriter);

impl BufferedWriter {
    /// Writes to standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::start(Sink::other(io::stdout()))
    }

    /// Writes to the end of a file, which is made where it is not there.
    ///
    /// # Errors
    ///
    /// Fails where the file cannot be opened.
    pub fn file(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::start(Sink::file(path.as_ref())?))
    }

    /// Writes to the end of a file, and opens its path again after each SIGHUP, as logrotate asks for.
    ///
    /// A path that cannot be opened again is reported once on standard error, and the open file stays in use.
    ///
    /// # Errors
    ///
    /// Fails where the file cannot be opened, or where the system refuses the signal handler.
    #[cfg(all(feature = "sighup", unix))]
    pub fn file_reopened_on_sighup(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::start(
            Sink::file(path.as_ref())?.reopened_on_sighup()?,
        ))
    }

    /// Writes to anything that takes bytes from another thread.
    #[must_use]
    pub fn new(writer: impl io::Write + Send + 'static) -> Self {
        Self::start(Sink::other(writer))
    }

    fn start(sink: Sink) -> Self {
        let buffer = Arc::new(Buffer::new(sink));
        at_exit::register(&buffer);
        let for_thread = Arc::clone(&buffer);
        let thread = thread::Builder::new().name("otel-log".to_owned());
        if thread
            .spawn(move || flush_until_stopped(&for_thread))
            .is_err()
        {
            buffer.write_through();
        }
        Self(Arc::new(Owner { buffer }))
    }

    /// Writes what waits now; `false` where that takes longer than `limit`.
    #[expect(clippy::must_use_candidate, reason = "most who flush go on either way")]
    pub fn flush(&self, limit: Duration) -> bool {
        self.0.buffer.flush(limit)
    }

    /// Returns a guard that flushes when it is dropped, for the end of `main`.
    pub fn guard(&self) -> FlushGuard {
        FlushGuard(self.clone())
    }

    /// Returns how many lines were lost: there was no room for them, or their write failed.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.buffer.lost()
    }
}

impl Drop for FlushGuard {
    fn drop(&mut self) {
        self.0.flush(buffer::FLUSH_LIMIT);
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.buffer.stop();
    }
}

impl<'a> MakeWriter<'a> for BufferedWriter {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter {
            buffer: &self.0.buffer,
            is_urgent: false,
        }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Self::Writer {
        LineWriter {
            buffer: &self.0.buffer,
            is_urgent: *metadata.level() == Level::ERROR,
        }
    }
}

impl fmt::Debug for BufferedWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferedWriter")
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}

/// Takes one line for a [`BufferedWriter`]; each write counts as a line.
#[derive(Debug)]
pub struct LineWriter<'a> {
    buffer: &'a Buffer,
    is_urgent: bool,
}

impl io::Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        at_exit::watch_this_thread();
        self.buffer.add(line, self.is_urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
