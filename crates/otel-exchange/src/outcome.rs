//! How an exchange ended.

use std::time::Duration;

use ::http::StatusCode;

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// With a response whose body is complete or does not count. The status code decides whether that is an error.
    Complete,
    /// With a failure of this `error.type`: an error instead of a response, or an error of the body.
    /// [`server::error_type`](crate::server::error_type) and [`client::error_type`](crate::client::error_type) have the values.
    Failed(&'static str),
    /// The service or the body panicked.
    Panicked,
    /// It was dropped before its end. On a server the client has disconnected, or a timeout outside the adapter has elapsed. On a
    /// client the application has dropped the request or its body.
    Cancelled,
}

/// What is known of an exchange at its end, for `on_end` hooks.
#[derive(Debug, Clone, Copy)]
pub struct Outcome<'a> {
    pub(crate) end: End,
    pub(crate) status: Option<StatusCode>,
    pub(crate) grpc_status: Option<&'static str>,
    pub(crate) error_type: Option<&'a str>,
    pub(crate) duration: Duration,
    pub(crate) request_body_size: Option<u64>,
    pub(crate) response_body_size: Option<u64>,
}

impl<'a> Outcome<'a> {
    /// Returns how the exchange ended.
    #[must_use]
    pub fn end(&self) -> End {
        self.end
    }

    /// Returns the status code of the response. Returns `None` if there was no response.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns the name of the gRPC status, such as `UNAVAILABLE`. Returns `None` if the exchange is not a recorded gRPC call.
    #[must_use]
    pub fn grpc_status(&self) -> Option<&'static str> {
        self.grpc_status
    }

    /// Returns the `error.type` that span and metrics get if no `on_end` hook changes it. Returns `None` if there was no error.
    #[must_use]
    pub fn error_type(&self) -> Option<&'a str> {
        self.error_type
    }

    /// Returns the time from the start of the exchange to its end.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Returns the size of the request's body in bytes. Returns `None` if it is unknown, or if `body_sizes` is not set.
    #[must_use]
    pub fn request_body_size(&self) -> Option<u64> {
        self.request_body_size
    }

    /// Returns the size of the response's body in bytes. Returns `None` if it is unknown, or if `body_sizes` is not set.
    #[must_use]
    pub fn response_body_size(&self) -> Option<u64> {
        self.response_body_size
    }
}
