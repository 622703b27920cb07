//! Flushes writers at the ends that no guard sees.

use std::{
    panic,
    sync::{Arc, Mutex, Once, PoisonError, Weak},
};

use super::buffer::Buffer;

static WRITERS: Mutex<Vec<Weak<Buffer>>> = Mutex::new(Vec::new());
static PANIC_HOOK: Once = Once::new();

/// Flushes the buffer when a thread panics, and when a thread ends that made it or wrote to it.
pub(super) fn register(buffer: &Arc<Buffer>) {
    let mut writers = WRITERS.lock().unwrap_or_else(PoisonError::into_inner);
    writers.retain(|writer| writer.strong_count() > 0);
    writers.push(Arc::downgrade(buffer));
    drop(writers);
    PANIC_HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // Before, as the other hook may end the process; and behind it, as it may log.
            flush_all();
            before(info);
            flush_all();
        }));
    });
    watch_this_thread();
}

/// Flushes when this thread ends: `exit` destroys the locals of the thread that calls it.
pub(super) fn watch_this_thread() {
    let _ = AT_THREAD_END.try_with(|_| ());
}

fn flush_all() {
    let writers = WRITERS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    for buffer in writers.iter().filter_map(Weak::upgrade) {
        buffer.flush_unless_stuck();
    }
}

struct AtThreadEnd;

impl Drop for AtThreadEnd {
    fn drop(&mut self) {
        flush_all();
    }
}

thread_local! {
    static AT_THREAD_END: AtThreadEnd = const { AtThreadEnd };
}
