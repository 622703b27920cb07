//! An attempt that passes two client layers has one span.

use http::{Extensions, HeaderMap};

use super::exchange::Exchange;
use super::inject::Propagate;
use super::options::ClientOptions;
use crate::hop::{self, Hop};

impl ClientOptions {
    /// Returns `true` if a client layer further out has opened this attempt.
    ///
    /// The adapter then sends the request without an exchange and injects nothing, because the context of the outer layer is in the
    /// headers.
    #[must_use]
    #[inline]
    pub fn is_traced(&self, headers: &HeaderMap, extensions: &Extensions) -> bool {
        hop::is_second_client(headers, extensions)
    }
}

impl Exchange {
    /// Returns `true` if the attempt has a span, sampled or not, or is measured.
    #[must_use]
    #[inline]
    pub fn is_traced(&self) -> bool {
        self.measurement.is_some() || self.options.common.tracer.is_found()
    }

    /// Makes [`ClientOptions::is_traced`] return `true` for client layers further in. An attempt that has no span and is not
    /// measured is left to them.
    ///
    /// Call it with the extensions that belong to this attempt only.
    #[inline]
    pub fn mark_traced(&mut self, extensions: &mut Extensions) {
        if self.is_traced() {
            let is_restricted =
                !self.options.is_unrestricted() || extensions.get::<Propagate>().is_some();
            self.hop = Hop::from_attempt(extensions, is_restricted);
        } else {
            self.hop = Hop::UNTRACED_CLIENT;
        }
    }
}
