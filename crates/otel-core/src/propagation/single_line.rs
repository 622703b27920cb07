//! The extractor that is known to have no repeated `traceparent`.
//!
//! [`Extractor::get_all`] shows whether a header is repeated, but it allocates. An extractor that has counted the lines before
//! is marked for the time of the extraction. The propagator then calls [`Extractor::get`] instead.
//!
//! The mark is the address of that extractor. A wrapper around the extractor has another address, so the propagator asks the
//! wrapper for all lines, and what the wrapper hides stays hidden.

use std::{cell::Cell, marker::PhantomData, ptr};

use opentelemetry::propagation::Extractor;

/// Marks an extractor on this thread until the value is dropped.
///
/// Only one extractor of a thread is marked. Without a mark the propagator calls `get_all`, which is always right. So a nested
/// extraction may end the mark of the outer one.
pub(super) struct SingleLine<'a> {
    // The extractor must not move or end while it is marked.
    extractor: PhantomData<&'a dyn Extractor>,
}

impl<'a> SingleLine<'a> {
    /// Marks an extractor that has at most one line of `traceparent`.
    pub(super) fn new(extractor: &'a dyn Extractor) -> Self {
        MARKED.set(Some(place(extractor)));
        Self {
            extractor: PhantomData,
        }
    }

    /// Returns true if this very extractor is marked.
    pub(super) fn is_marked(extractor: &dyn Extractor) -> bool {
        MARKED.get() == Some(place(extractor))
    }
}

impl Drop for SingleLine<'_> {
    fn drop(&mut self) {
        MARKED.set(None);
    }
}

/// The size belongs to it, because a value without size can have the address of another value.
type Place = (*const (), usize);

fn place(extractor: &dyn Extractor) -> Place {
    (
        ptr::from_ref(extractor).cast::<()>(),
        size_of_val(extractor),
    )
}

thread_local! {
    static MARKED: Cell<Option<Place>> = const { Cell::new(None) };
}
