//! Whether a layer has ever known a route.

use std::sync::atomic::{AtomicBool, Ordering};

use http::{Method, StatusCode};

/// Whether a layer has ever known the route of a request. A clone starts anew, because its options may find other routes.
#[derive(Debug, Default)]
pub(super) struct RouteWatch {
    is_settled: AtomicBool,
}

impl Clone for RouteWatch {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl RouteWatch {
    /// Notes that a route is known.
    #[inline]
    pub(super) fn set_known(&self) {
        if !self.is_settled.load(Ordering::Relaxed) {
            self.is_settled.store(true, Ordering::Relaxed);
        }
    }

    /// Returns `true`, once, if this is the answer of a route and the layer has never known a route.
    ///
    /// Other answers than successes may come from a layer around the router, such as authentication. So may answers to OPTIONS.
    #[inline]
    pub(super) fn is_blank(&self, method: &str, status: StatusCode) -> bool {
        let is_blank = !self.is_settled.load(Ordering::Relaxed)
            && status.is_success()
            && method != Method::OPTIONS.as_str();
        if is_blank {
            self.is_settled.store(true, Ordering::Relaxed);
        }
        is_blank
    }
}
