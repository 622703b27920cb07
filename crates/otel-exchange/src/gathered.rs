//! Attributes that are set on a span at once.

use std::cell::RefCell;

use opentelemetry::KeyValue;
use opentelemetry::trace::SpanRef;

/// Sets the attributes that `gather` adds to the list. The span is locked once, and the list's memory is reused on each thread.
#[inline]
pub(crate) fn set_on(span: &SpanRef<'_>, gather: impl FnOnce(&mut Vec<KeyValue>)) {
    let mut gather = Some(gather);
    let _ = GATHERED.try_with(|kept| {
        if let (Ok(mut kept), Some(gather)) = (kept.try_borrow_mut(), gather.take()) {
            gather(&mut kept);
            span.set_attributes(kept.drain(..));
        }
    });
    // While the thread ends there is no memory to reuse.
    if let Some(gather) = gather {
        let mut list = Vec::new();
        gather(&mut list);
        span.set_attributes(list);
    }
}

thread_local! {
    static GATHERED: RefCell<Vec<KeyValue>> = const { RefCell::new(Vec::new()) };
}
