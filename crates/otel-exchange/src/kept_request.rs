//! What is kept of a request for hooks that run later.

use std::time::{Duration, Instant};

use ::http::Request;
use otel_core::RequestHead;

/// A copy of the head of a request, and the time of its start.
#[derive(Debug)]
pub(crate) struct KeptRequest {
    head: Request<()>,
    started: Instant,
}

impl KeptRequest {
    /// Copies the head and starts the clock.
    pub(crate) fn from_head(head: &RequestHead<'_>) -> Self {
        let mut copy = Request::new(());
        *copy.method_mut() = head.method().clone();
        *copy.uri_mut() = head.uri().clone();
        *copy.version_mut() = head.version();
        *copy.headers_mut() = head.headers().clone();
        *copy.extensions_mut() = head.extensions().clone();
        Self {
            head: copy,
            started: Instant::now(),
        }
    }

    pub(crate) fn head(&self) -> RequestHead<'_> {
        RequestHead::from_request(&self.head)
    }

    /// Returns the time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}
