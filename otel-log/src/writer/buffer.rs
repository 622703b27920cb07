//! The buffered lines, and the thread that writes them.

use std::{
    fmt, mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::sink::Sink;
use crate::notice;

/// How long the drop of a guard or writer, a panic, and the end of a thread wait for a flush.
pub(super) const FLUSH_LIMIT: Duration = Duration::from_secs(2);
/// How long the first line of a batch waits for more lines.
const INTERVAL: Duration = Duration::from_millis(100);
/// The bytes of a batch: enough that the system call costs little per line.
const BATCH: usize = 64 * 1024;
/// The most bytes of memory that are kept for the next batch.
const KEPT: usize = 16 * BATCH;
/// The most bytes that are buffered while the reader does not read.
const CAPACITY: usize = 8 * 1024 * 1024;

pub(super) struct Buffer {
    waiting: Mutex<Waiting>,
    /// Notified when the writing thread has something to do.
    work: Condvar,
    /// Notified when lines were written.
    written: Condvar,
    sink: Mutex<Sink>,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    lines: u64,
    /// All lines that were added.
    taken: u64,
    /// The lines that were written, or lost in a failed write.
    done: u64,
    lost: u64,
    is_urgent: bool,
    is_stopping: bool,
    /// Whether the writing thread was notified that the batch is due.
    is_notified: bool,
    /// Whether a flush has timed out and nothing has been written since.
    is_stuck: bool,
    /// Whether the thread that adds a line writes it, because the writing thread could not be started.
    writes_through: bool,
    writing_thread: Option<thread::ThreadId>,
}

impl Buffer {
    pub(super) fn new(sink: Sink) -> Self {
        Self {
            waiting: Mutex::default(),
            work: Condvar::new(),
            written: Condvar::new(),
            sink: Mutex::new(sink),
        }
    }

    pub(super) fn add(&self, line: &[u8], is_urgent: bool) {
        let mut waiting = self.waiting();
        if waiting.bytes.len() + line.len() > CAPACITY {
            waiting.lost += 1;
            return;
        }
        waiting.taken += 1;
        let was_idle = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        waiting.lines += 1;
        if waiting.writes_through {
            drop(waiting);
            self.write_waiting(&mut Vec::new());
            return;
        }
        waiting.is_urgent |= is_urgent;
        // Each notification is a system call. Two per batch are enough: when the batch begins, and when it is due.
        let must_notify = was_idle || waiting.is_due() && !waiting.is_notified;
        waiting.is_notified |= waiting.is_due();
        drop(waiting);
        if must_notify {
            self.work.notify_one();
        }
    }

    /// Waits until all lines that were added so far are written. Returns `false` if that takes longer than `limit`.
    pub(super) fn flush(&self, limit: Duration) -> bool {
        let mut waiting = self.waiting();
        // If the sink panics, the panic hook flushes on the writing thread, which must not wait for itself.
        if waiting.writing_thread == Some(thread::current().id()) {
            return false;
        }
        let taken = waiting.taken;
        if waiting.done < taken {
            waiting.is_urgent = true;
            self.work.notify_one();
        }
        let (mut waiting, result) = self
            .written
            .wait_timeout_while(waiting, limit, |waiting| waiting.done < taken)
            .unwrap_or_else(PoisonError::into_inner);
        waiting.is_stuck = result.timed_out();
        !result.timed_out()
    }

    /// Flushes, unless an earlier flush has timed out and nothing has been written since.
    pub(super) fn flush_unless_stuck(&self) {
        if !self.waiting().is_stuck {
            self.flush(FLUSH_LIMIT);
        }
    }

    /// Makes the writing thread write the buffered lines and end.
    pub(super) fn stop(&self) {
        self.waiting().is_stopping = true;
        self.work.notify_one();
        self.flush(FLUSH_LIMIT);
    }

    pub(super) fn write_through(&self) {
        self.waiting().writes_through = true;
    }

    pub(super) fn lost(&self) -> u64 {
        self.waiting().lost
    }

    /// Writes the buffered lines. `batch` becomes the buffer of the lines that are added meanwhile.
    fn write_waiting(&self, batch: &mut Vec<u8>) {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waiting = self.waiting();
        mem::swap(&mut waiting.bytes, batch);
        let lines = mem::take(&mut waiting.lines);
        waiting.is_urgent = false;
        waiting.is_notified = false;
        drop(waiting);

        let result = sink.write(batch);
        if batch.capacity() > KEPT {
            *batch = Vec::new(); // the memory of a burst must not be kept forever
        }
        batch.clear();

        let mut waiting = self.waiting();
        waiting.done += lines;
        waiting.is_stuck = false;
        if let Err(error) = result {
            if waiting.lost == 0 {
                notice::write_failed(&error);
            }
            waiting.lost += lines;
        }
        drop(waiting);
        self.written.notify_all();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a batch. Returns `false` if the buffer was stopped and is empty.
    fn wait_for_batch(&self) -> bool {
        let mut waiting = self.waiting();
        waiting
            .writing_thread
            .get_or_insert_with(|| thread::current().id());
        waiting = self
            .work
            .wait_while(waiting, |waiting| {
                waiting.bytes.is_empty() && !waiting.is_stopping
            })
            .unwrap_or_else(PoisonError::into_inner);
        let start = Instant::now();
        while !waiting.is_due() {
            let Some(left) = INTERVAL.checked_sub(start.elapsed()) else {
                break;
            };
            let result = self.work.wait_timeout(waiting, left);
            (waiting, _) = result.unwrap_or_else(PoisonError::into_inner);
        }
        !waiting.bytes.is_empty()
    }
}

impl Waiting {
    fn is_due(&self) -> bool {
        self.is_urgent || self.is_stopping || self.bytes.len() >= BATCH
    }
}

/// Runs the writing thread.
pub(super) fn flush_until_stopped(buffer: &Buffer) {
    let mut batch = Vec::with_capacity(BATCH);
    while buffer.wait_for_batch() {
        buffer.write_waiting(&mut batch);
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}
