//! A writer that buffers lines in memory and writes many lines at once.

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

/// Buffers lines in memory, and writes them on a separate thread.
///
/// A thread that logs only copies its line. It never waits for a system call or for a reader that does not read. The writing
/// thread writes as soon as 64 KiB are buffered, 100 ms after the first line of a batch, and immediately after a line of level
/// ERROR. Buffered lines are also written
///
/// - when [`flush`](Self::flush) is called,
/// - when a [`FlushGuard`] or the last clone of the writer is dropped,
/// - when a thread panics,
/// - when a thread ends that created the writer or wrote to it,
/// - when such a thread calls [`std::process::exit`].
///
/// Except for `flush`, each of these waits for at most 2 seconds. If the reader does not read, only the first panic or end of a
/// thread waits. Lines that are still buffered are lost if the process aborts or a signal kills it.
///
/// At most 8 MiB of lines are buffered. Lines beyond that, and lines whose write failed, are lost and counted
/// ([`lost`](Self::lost)).
///
/// # Examples
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// let writer = otel_log::BufferedWriter::stdout();
/// let _guard = writer.guard(); // flushes at the end of main
/// tracing_subscriber::registry().with(otel_log::layer().writer(writer)).init();
/// tracing::info!("started");
/// ```
#[derive(Clone)]
pub struct BufferedWriter(Arc<Owner>);

/// Stops the writing thread when the last clone of the writer is dropped.
struct Owner {
    buffer: Arc<Buffer>,
}

/// Flushes its [`BufferedWriter`] when it is dropped. Keep it until the end of `main`.
#[derive(Debug)]
#[must_use = "the guard flushes when it is dropped: keep it until the end of main"]
pub struct FlushGuard(BufferedWriter);

impl BufferedWriter {
    /// Creates a writer to standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::start(Sink::other(io::stdout()))
    }

    /// Creates a writer to the end of a file. The file is created if it does not exist.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be opened.
    pub fn file(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::start(Sink::file(path.as_ref())?))
    }

    /// Creates a writer to the end of a file that is reopened after each SIGHUP, as logrotate expects.
    ///
    /// If the file cannot be reopened, this is reported once on standard error, and lines still go to the file that was open.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be opened or the signal handler cannot be registered.
    #[cfg(all(feature = "sighup", unix))]
    pub fn file_reopened_on_sighup(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::start(
            Sink::file(path.as_ref())?.reopened_on_sighup()?,
        ))
    }

    /// Creates a writer to any [`io::Write`]. It is called on the writing thread.
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

    /// Writes the buffered lines now. Returns `false` if that takes longer than `limit`.
    #[expect(
        clippy::must_use_candidate,
        reason = "most callers continue in either case"
    )]
    pub fn flush(&self, limit: Duration) -> bool {
        self.0.buffer.flush(limit)
    }

    /// Returns a guard that flushes when it is dropped.
    pub fn guard(&self) -> FlushGuard {
        FlushGuard(self.clone())
    }

    /// Returns how many lines were lost because the buffer was full or because their write failed.
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

/// Takes lines for a [`BufferedWriter`]. Each call to `write` counts as one line.
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
