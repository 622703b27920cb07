//! One request and its one end.

use std::mem;
use std::sync::Arc;

use http::{Method, StatusCode};
use otel_core::RequestHead;

use crate::config::Config;
use crate::span::ServerSpan;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The response body is complete, or there is none.
    Complete,
    /// The service returned an error instead of a response.
    ServiceError,
    /// The response body failed midway.
    BodyError,
    /// The service or the body panicked.
    Panicked,
    /// Future or body were dropped before their end.
    Cancelled,
}

/// All that is known of a request. It moves from the service to the future to the body, and finishes exactly once.
#[derive(Debug)]
pub(crate) struct Exchange {
    span: ServerSpan,
    head_request: bool,
    status: Option<StatusCode>,
    finished: bool,
}

impl Exchange {
    pub(crate) fn begin(config: &Arc<Config>, request: &RequestHead<'_>) -> Self {
        Self {
            span: ServerSpan::open(config, request),
            head_request: request.method() == Method::HEAD,
            status: None,
            finished: false,
        }
    }

    /// Runs a step of the request inside its context. A panic of the step finishes the request and goes on unwinding.
    pub(crate) fn run<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let watch = PanicWatch(self);
        let entered = watch.0.span.enter();
        let result = step();
        drop(entered);
        mem::forget(watch);
        result
    }

    /// Notes the response head. Where no body can follow, the request is finished here.
    pub(crate) fn respond(&mut self, status: StatusCode) {
        self.status = Some(status);
        if self.head_request || is_bodyless(status) {
            self.finish(End::Complete);
        }
    }

    /// Finishes the request; the first call counts.
    pub(crate) fn finish(&mut self, end: End) {
        if !mem::replace(&mut self.finished, true) {
            self.span.end(self.status, end);
        }
    }

    pub(crate) fn unless_finished(self) -> Option<Self> {
        (!self.finished).then_some(self)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.finish(End::Cancelled);
    }
}

struct PanicWatch<'a>(&'a mut Exchange);

impl Drop for PanicWatch<'_> {
    fn drop(&mut self) {
        self.0.finish(End::Panicked);
    }
}

/// RFC 9110, 6.4.1: no content in 1xx (a 101 hands the connection over), 204 and 304.
fn is_bodyless(status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}
