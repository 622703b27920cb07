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
    /// Keeps the head and starts the clock.
    pub(crate) fn new(head: Request<()>) -> Self {
        Self {
            head,
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
