//! Attributes that are set on a span at once.

use std::cell::Cell;

use opentelemetry::KeyValue;
use opentelemetry::trace::SpanRef;

/// Sets the attributes that `gather` adds to the list. The span is locked once, and the list's memory is reused on each thread.
#[inline]
pub(crate) fn set_on(span: &SpanRef<'_>, gather: impl FnOnce(&mut Vec<KeyValue>)) {
    let mut gathered = GATHERED.try_with(Cell::take).unwrap_or_default();
    gather(&mut gathered);
    span.set_attributes(gathered.drain(..));
    // While the thread ends, the memory is freed instead.
    let _ = GATHERED.try_with(|kept| kept.set(gathered));
}

thread_local! {
    static GATHERED: Cell<Vec<KeyValue>> = const { Cell::new(Vec::new()) };
}
