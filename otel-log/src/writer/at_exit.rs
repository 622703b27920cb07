//! Flushes writers at the ends that no guard sees.

use std::{
    panic,
    sync::{Arc, Mutex, Once, PoisonError, Weak},
};

use super::buffer::{Buffer, FLUSH_LIMIT};

static WRITERS: Mutex<Vec<Weak<Buffer>>> = Mutex::new(Vec::new());
static PANIC_HOOK: Once = Once::new();

/// Flushes the buffer when a thread panics, and when this thread ends.
pub(super) fn register(buffer: &Arc<Buffer>) {
    let mut writers = WRITERS.lock().unwrap_or_else(PoisonError::into_inner);
    writers.retain(|writer| writer.strong_count() > 0);
    writers.push(Arc::downgrade(buffer));
    drop(writers);
    PANIC_HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            flush_all();
            before(info);
        }));
    });
    // `exit` destroys the locals of the thread that calls it.
    let _ = AT_THREAD_END.try_with(|_| ());
}

fn flush_all() {
    let writers = WRITERS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    for buffer in writers.iter().filter_map(Weak::upgrade) {
        buffer.flush(FLUSH_LIMIT);
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
