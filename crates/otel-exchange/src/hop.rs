//! Which hop of a request this thread runs, so that a second layer on the same hop is known.
//!
//! A mark in the extensions of each request would be exact, but usually allocates. So requests are marked only after a layer was
//! opened inside another one, which a service with one layer and without calls inside its process never does. Until then a request
//! is recognized by where its URI and its headers are in memory, and an attempt by the ids in its headers.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Extensions, HeaderMap};
use opentelemetry::Context;
use opentelemetry::trace::{SpanId, TraceContextExt as _};
use otel_core::RequestHead;

/// The innermost exchange that a thread runs. One word, because it is exchanged at each step of an exchange: one of the constants, or
/// the place of a request that a server has not marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hop(u64);

/// Where a request is in memory, in one word whose lowest bit is set.
#[derive(Debug, Clone, Copy)]
struct Place(u64);

/// The bits of a [`Place`] above the lowest: the number of headers, where the first header is, and where the texts are.
const HEADERS: u64 = 0xff << 1;
const FIRST: u64 = 0xff_ffff << 9;
const TEXTS: u64 = !(HEADERS | FIRST | 1);

impl Place {
    /// Returns `None` for a request without headers: where it is in memory says little.
    #[inline]
    fn from_request(head: &RequestHead<'_>) -> Option<Self> {
        let headers = head.headers();
        let first = headers.values().next()?;
        // Copies of a request share the texts. The first header moves if headers are added.
        let texts = head.uri().path().as_ptr().addr() ^ first.as_bytes().as_ptr().addr();
        let first = ptr::from_ref(first).addr() >> 3;
        let (texts, first) = ((texts as u64) << 33, (first as u64) << 9);
        let headers = (headers.keys_len() as u64) << 1;
        Some(Self(texts & TEXTS | first & FIRST | headers & HEADERS | 1))
    }

    /// Returns `true` if this request has become the other one, to which layers may have added headers.
    fn has_become(self, inner: Self) -> bool {
        let has_moved = self.0 & FIRST != inner.0 & FIRST;
        let has_more = self.0 & HEADERS < inner.0 & HEADERS;
        self.0 & TEXTS == inner.0 & TEXTS && (!has_moved || has_more)
    }
}

static IS_NESTED_IN_SERVER: AtomicBool = AtomicBool::new(false);
static IS_NESTED_IN_CLIENT: AtomicBool = AtomicBool::new(false);

thread_local! {
    static CURRENT: Cell<Hop> = const { Cell::new(Hop::NONE) };
}

/// A server layer has opened the request.
#[derive(Debug, Clone, Copy)]
struct ByServer;

/// A client layer has opened the attempt.
#[derive(Debug, Clone, Copy)]
struct ByClient;

impl Hop {
    /// No exchange, or that of a server that leaves the request to a layer further in.
    pub(crate) const NONE: Self = Self(0);
    /// An attempt without a span.
    pub(crate) const UNTRACED_CLIENT: Self = Self(2);
    /// An attempt whose request is not marked.
    const CLIENT: Self = Self(4);
    const MARKED_CLIENT: Self = Self(6);
    const MARKED_SERVER: Self = Self(8);

    /// Returns the hop of a request that a server layer has opened, if the request need not be marked.
    #[inline]
    pub(crate) fn from_request(head: &RequestHead<'_>) -> Option<Self> {
        if IS_NESTED_IN_SERVER.load(Ordering::Relaxed) {
            return None;
        }
        Place::from_request(head).map(|place| Self(place.0))
    }

    /// Marks a request that a server layer has opened, and returns its hop.
    pub(crate) fn from_marked_request(extensions: &mut Extensions) -> Self {
        extensions.insert(ByServer);
        Self::MARKED_SERVER
    }

    /// Returns the hop of an attempt that a client layer has opened. Marks it if needed: if the headers may lack the span's id, or
    /// after an attempt inside another one.
    #[inline]
    pub(crate) fn from_attempt(extensions: &mut Extensions, is_restricted: bool) -> Self {
        if is_restricted || IS_NESTED_IN_CLIENT.load(Ordering::Relaxed) {
            extensions.insert(ByClient);
            Self::MARKED_CLIENT
        } else {
            Self::CLIENT
        }
    }

    /// Makes this the hop that the thread runs, until the guard is dropped.
    #[inline]
    pub(crate) fn enter(self) -> EnteredHop {
        EnteredHop(CURRENT.replace(self))
    }

    /// Makes this the hop that the thread runs, unless it is none: the attempts of an adapter that calls no service.
    #[inline]
    pub(crate) fn enter_if_any(self) -> Option<EnteredHop> {
        (self != Self::NONE).then(|| self.enter())
    }
}

/// Restores the hop that the thread ran before.
#[derive(Debug)]
#[must_use]
pub(crate) struct EnteredHop(Hop);

impl Drop for EnteredHop {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// Returns `true` if a server layer further out has opened this request.
#[inline]
pub(crate) fn is_second_server(head: &RequestHead<'_>) -> bool {
    let current = CURRENT.get();
    if current == Hop::NONE && !IS_NESTED_IN_SERVER.load(Ordering::Relaxed) {
        return false;
    }
    is_nested_server(current, head)
}

#[cold]
fn is_nested_server(current: Hop, head: &RequestHead<'_>) -> bool {
    match current {
        // A request that passes a client inside the process is a new hop, with the extensions of the hop before.
        Hop::UNTRACED_CLIENT | Hop::CLIENT | Hop::MARKED_CLIENT => false,
        Hop::NONE => head.extensions().get::<ByServer>().is_some(),
        Hop::MARKED_SERVER => {
            IS_NESTED_IN_SERVER.store(true, Ordering::Relaxed);
            head.extensions().get::<ByServer>().is_some()
        }
        Hop(place) => {
            IS_NESTED_IN_SERVER.store(true, Ordering::Relaxed);
            Place::from_request(head).is_some_and(|inner| Place(place).has_become(inner))
        }
    }
}

/// Returns `true` if a client layer further out has opened this attempt.
#[inline]
pub(crate) fn is_second_client(headers: &HeaderMap, extensions: &Extensions) -> bool {
    let current = CURRENT.get();
    let is_in_client = matches!(current, Hop::CLIENT | Hop::MARKED_CLIENT);
    let is_possible = is_in_client || IS_NESTED_IN_CLIENT.load(Ordering::Relaxed);
    is_possible && is_nested_client(current, headers, extensions)
}

#[cold]
fn is_nested_client(current: Hop, headers: &HeaderMap, extensions: &Extensions) -> bool {
    match current {
        Hop::CLIENT => {
            IS_NESTED_IN_CLIENT.store(true, Ordering::Relaxed);
            carries_active_span(headers)
        }
        Hop::NONE | Hop::MARKED_CLIENT => extensions.get::<ByClient>().is_some(),
        // Inside a server, the mark is that of the client before.
        _ => false,
    }
}

/// Returns `true` if a header has the id of the active span, in whatever format.
fn carries_active_span(headers: &HeaderMap) -> bool {
    let id = Context::map_current(|context| context.span().span_context().span_id());
    let id = id.to_string();
    id != SpanId::INVALID.to_string()
        && headers
            .values()
            .any(|value| value.to_str().is_ok_and(|value| value.contains(&id)))
}
