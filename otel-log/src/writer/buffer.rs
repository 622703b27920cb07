//! The lines that wait, and the thread that writes them.

use std::{
    fmt, io, mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::sink::Sink;
use crate::notice;

/// How long a flush at an end waits: telemetry never holds up a program for longer.
pub(super) const FLUSH_LIMIT: Duration = Duration::from_secs(2);
/// How long the first line of a batch waits for others.
const INTERVAL: Duration = Duration::from_millis(100);
/// Enough that a system call hardly counts.
const BATCH: usize = 64 * 1024;
/// The memory that is kept for the next batch.
const KEPT: usize = 16 * BATCH;
/// What may wait while the reader stands still.
const CAPACITY: usize = 8 * 1024 * 1024;

pub(super) struct Buffer {
    waiting: Mutex<Waiting>,
    /// There is something to do for the thread.
    work: Condvar,
    /// The thread has written something.
    written: Condvar,
    sink: Mutex<Sink>,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    lines: u64,
    /// Lines ever taken, and those of them that are written, or were lost in a write that failed.
    taken: u64,
    done: u64,
    lost: u64,
    is_urgent: bool,
    is_stopping: bool,
    /// The thread has been told that the batch is due.
    is_called: bool,
    /// A flush has waited for nothing, and nothing has been written since.
    is_stuck: bool,
    /// There is no thread: whoever adds a line writes it.
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
        // Each call to the thread is a system call: one when a batch begins, one when it is due.
        let calls = was_idle || waiting.is_due() && !waiting.is_called;
        waiting.is_called |= waiting.is_due();
        drop(waiting);
        if calls {
            self.work.notify_one();
        }
    }

    /// Waits until what has been taken so far is written.
    pub(super) fn flush(&self, limit: Duration) -> bool {
        let mut waiting = self.waiting();
        // A panic of the sink comes by here on the thread that would have to do it.
        if waiting.writing_thread == Some(thread::current().id()) {
            return false;
        }
        let taken = waiting.taken;
        if waiting.done < taken {
            waiting.is_urgent = true;
            self.work.notify_one();
        }
        let is_behind = |waiting: &mut Waiting| waiting.done < taken;
        let (mut waiting, result) = self
            .written
            .wait_timeout_while(waiting, limit, is_behind)
            .unwrap_or_else(PoisonError::into_inner);
        waiting.is_stuck = result.timed_out();
        !result.timed_out()
    }

    /// The flush that nobody asked for: it waits for a reader that stands still once, and not again before it moves.
    pub(super) fn flush_unless_stuck(&self) {
        if !self.waiting().is_stuck {
            self.flush(FLUSH_LIMIT);
        }
    }

    /// Has the thread write what waits and end.
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

    /// Writes what waits, with `batch` as the memory for the lines that come meanwhile.
    fn write_waiting(&self, batch: &mut Vec<u8>) {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waiting = self.waiting();
        mem::swap(&mut waiting.bytes, batch);
        let lines = mem::take(&mut waiting.lines);
        waiting.is_urgent = false;
        waiting.is_called = false;
        drop(waiting);

        let result = sink.write(batch);
        if batch.capacity() > KEPT {
            *batch = Vec::new(); // a rush must not occupy its memory for ever
        }
        batch.clear();

        let mut waiting = self.waiting();
        waiting.done += lines;
        waiting.is_stuck = false;
        if let Err(error) = result {
            report_first(&mut waiting, lines, &error);
        }
        drop(waiting);
        self.written.notify_all();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a batch; `false` where there will be none any more.
    fn wait_for_batch(&self) -> bool {
        let mut waiting = self.waiting();
        waiting
            .writing_thread
            .get_or_insert_with(|| thread::current().id());
        let is_idle = |waiting: &mut Waiting| waiting.bytes.is_empty() && !waiting.is_stopping;
        waiting = self
            .work
            .wait_while(waiting, is_idle)
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

/// What the thread does.
pub(super) fn flush_until_stopped(buffer: &Buffer) {
    let mut batch = Vec::with_capacity(BATCH);
    while buffer.wait_for_batch() {
        buffer.write_waiting(&mut batch);
    }
}

fn report_first(waiting: &mut Waiting, lines: u64, error: &io::Error) {
    if waiting.lost == 0 {
        notice::write_failed(error);
    }
    waiting.lost += lines;
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}
