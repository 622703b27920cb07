//! An attempt that passes two client layers has one span.

use http::Extensions;

use super::exchange::Exchange;
use crate::traced_mark;

/// Returns `true` if a client layer further out has opened this attempt.
///
/// The adapter then sends the request without an exchange and injects nothing, because the context of the outer layer is in the
/// headers.
#[must_use]
#[inline]
pub fn is_traced(extensions: &Extensions) -> bool {
    traced_mark::is_traced_by_client(extensions)
}

/// Removes the mark of [`Exchange::mark_traced`] when the attempt has ended.
///
/// It is needed only if later attempts of the request share the extensions.
#[inline]
pub fn clear_traced(extensions: &mut Extensions) {
    traced_mark::unmark_by_client(extensions);
}

impl Exchange {
    /// Marks the extensions of the request, so that [`is_traced`] returns `true` for client layers further in.
    ///
    /// An attempt that has no span and is not measured is not marked.
    #[inline]
    pub fn mark_traced(&self, extensions: &mut Extensions) {
        if self.measurement.is_some() || self.options.common.tracer.is_found() {
            traced_mark::mark_by_client(extensions);
        }
    }
}
