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

impl Exchange {
    /// Returns `true` if the attempt has a span, sampled or not, or is measured.
    #[must_use]
    #[inline]
    pub fn is_traced(&self) -> bool {
        self.measurement.is_some() || self.options.common.tracer.is_found()
    }

    /// Marks the extensions of the request, so that [`is_traced`] returns `true` for client layers further in.
    ///
    /// An attempt that has no span and is not measured is not marked.
    #[inline]
    pub fn mark_traced(&self, extensions: &mut Extensions) {
        if self.is_traced() {
            traced_mark::mark_by_client(extensions);
        }
    }
}
