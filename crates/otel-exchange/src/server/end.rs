//! How a request ended.

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The response body is complete, or there is no body.
    Complete,
    /// The service returned an error instead of a response.
    ServiceError,
    /// The response body failed.
    BodyError,
    /// The service or the body panicked.
    Panicked,
    /// The service's future or the body was dropped before its end.
    Cancelled,
}

impl End {
    /// Returns the `error.type` of a request whose status code is no error.
    pub(super) fn error_type(self) -> Option<&'static str> {
        match self {
            Self::Complete => None,
            Self::ServiceError => Some("service_error"),
            Self::BodyError => Some("body_error"),
            Self::Panicked => Some("panic"),
            Self::Cancelled => Some("cancelled"),
        }
    }
}
