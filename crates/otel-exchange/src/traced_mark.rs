//! Marks in a request's extensions that a layer further out has traced it.
//!
//! A request that passes from a server to a client, or back inside one process, is a new hop, so each side removes the other's
//! mark.

use http::Extensions;

/// A server layer has opened the request. Boxed by `Extensions`, it is not allocated.
#[derive(Debug, Clone, Copy)]
struct ByServer;

/// A client layer has opened the attempt.
#[derive(Debug, Clone, Copy)]
struct ByClient;

/// Returns `true` if a server layer has opened this request.
#[inline]
pub(crate) fn is_traced_by_server(extensions: &mut Extensions) -> bool {
    let is_forwarded = extensions.remove::<ByClient>().is_some();
    if is_forwarded {
        extensions.remove::<ByServer>();
    }
    extensions.get::<ByServer>().is_some()
}

/// Marks a request that a server layer has opened.
#[inline]
pub(crate) fn mark_by_server(extensions: &mut Extensions) {
    extensions.insert(ByServer);
}

/// Returns `true` if a client layer has opened this attempt.
#[inline]
pub(crate) fn is_traced_by_client(extensions: &Extensions) -> bool {
    extensions.get::<ByClient>().is_some()
}

/// Marks an attempt that a client layer has opened.
#[inline]
pub(crate) fn mark_by_client(extensions: &mut Extensions) {
    extensions.insert(ByClient);
}
