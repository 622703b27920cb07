//! Flushes writers when a thread panics or ends.

use std::{
    panic,
    sync::{Arc, Mutex, Once, PoisonError, Weak},
};

use super::buffer::Buffer;

static WRITERS: Mutex<Vec<Weak<Buffer>>> = Mutex::new(Vec::new());
static PANIC_HOOK: Once = Once::new();

/// Flushes the buffer from now on when a thread panics, and when a watched thread ends.
pub(super) fn register(buffer: &Arc<Buffer>) {
    let mut writers = WRITERS.lock().unwrap_or_else(PoisonError::into_inner);
    writers.retain(|writer| writer.strong_count() > 0);
    writers.push(Arc::downgrade(buffer));
    drop(writers);
    PANIC_HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // Before the other hook, which may end the process, and after it, since it may log.
            flush_all();
            before(info);
            flush_all();
        }));
    });
    watch_this_thread();
}

/// Flushes all buffers when this thread ends or calls `exit`, which destroys the locals of the calling thread.
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
