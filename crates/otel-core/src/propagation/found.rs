//! Which propagation headers a request has, found in one pass over its headers.
//!
//! A propagator receives a `&dyn Extractor`, and each look-up in the extractor costs more than the whole pass. So
//! [`extract`](super::extract) makes the pass first. It keeps the result on the thread, together with the address of the
//! extractor that it gives to the propagator.
//!
//! A wrapper around the extractor has another address. A propagator that receives the wrapper looks up every header in the
//! wrapper, so a header that the wrapper hides stays hidden.

use std::{cell::Cell, marker::PhantomData, ptr, str};

use http::{HeaderMap, HeaderValue};
use opentelemetry::propagation::Extractor;

use super::{list, traceparent::Traceparent};

/// The result of the pass.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FoundHeaders {
    /// `None` if the header is missing, invalid or repeated.
    pub(super) traceparent: Option<Traceparent>,
    pub(super) has_traceparent: bool,
    pub(super) has_tracestate: bool,
    pub(super) has_baggage: bool,
    /// Of the single header.
    pub(super) has_b3: bool,
    /// Of the `X-B3-*` headers.
    pub(super) has_b3_multi: bool,
}

impl FoundHeaders {
    pub(super) fn new(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        for (name, value) in headers {
            match name.as_str().as_bytes() {
                b"traceparent" => {
                    // Two lines are invalid even if they are equal (level 2, 3.2).
                    found.traceparent = if found.has_traceparent {
                        None
                    } else {
                        parse(value)
                    };
                    found.has_traceparent = true;
                }
                b"tracestate" => found.has_tracestate = true,
                b"baggage" => found.has_baggage = true,
                b"b3" => found.has_b3 = true,
                [b'x', b'-', b'b', b'3', ..] => found.has_b3_multi = true,
                _ => {}
            }
        }
        found
    }

    /// Keeps the result for this extractor on the current thread, until the returned guard is dropped.
    ///
    /// A thread keeps only one result. A nested extraction replaces the result of the outer one, which then looks up every header.
    pub(super) fn keep_for(self, extractor: &dyn Extractor) -> FoundHeadersGuard<'_> {
        KEPT.set(Some((Place::new(extractor), self)));
        FoundHeadersGuard {
            extractor: PhantomData,
        }
    }

    /// Returns the result that is kept for this very extractor.
    pub(super) fn for_extractor(extractor: &dyn Extractor) -> Option<Self> {
        let (place, found) = KEPT.get()?;
        (place == Place::new(extractor)).then_some(found)
    }
}

/// Borrows the extractor, so that no other extractor gets its address while the result is kept.
pub(super) struct FoundHeadersGuard<'a> {
    extractor: PhantomData<&'a dyn Extractor>,
}

impl Drop for FoundHeadersGuard<'_> {
    fn drop(&mut self) {
        KEPT.set(None);
    }
}

/// The address and the size of an extractor. A value of size zero can have the address of another value.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    address: *const (),
    size: usize,
}

impl Place {
    fn new(extractor: &dyn Extractor) -> Self {
        Self {
            address: ptr::from_ref(extractor).cast(),
            size: size_of_val(extractor),
        }
    }
}

fn parse(value: &HeaderValue) -> Option<Traceparent> {
    let bytes = value.as_bytes();
    if bytes.len() == Traceparent::LENGTH {
        // Neither blanks nor other text can be in a valid value of this length.
        return Traceparent::parse(bytes).ok();
    }
    list::trim(str::from_utf8(bytes).ok()?).parse().ok()
}

thread_local! {
    static KEPT: Cell<Option<(Place, FoundHeaders)>> = const { Cell::new(None) };
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, panic};

    use super::*;

    #[test]
    fn the_result_is_kept_for_one_extractor_until_the_guard_is_dropped() {
        let [one, other]: [HashMap<String, String>; 2] = Default::default();
        let is_kept = |extractor: &dyn Extractor| FoundHeaders::for_extractor(extractor).is_some();
        let guard = FoundHeaders::default().keep_for(&one);
        assert!(is_kept(&one) && !is_kept(&other));
        {
            let _nested = FoundHeaders::default().keep_for(&other);
            assert!(is_kept(&other) && !is_kept(&one));
        }
        assert!(!is_kept(&one) && !is_kept(&other));
        drop(guard);
        let result = panic::catch_unwind(|| {
            let _guard = FoundHeaders::default().keep_for(&one);
            panic!("while the result is kept");
        });
        assert!(result.is_err() && !is_kept(&one));
    }
}
