//! The ends that a request may come to.

use http::StatusCode;

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

impl End {
    /// Where the status code says nothing.
    pub(crate) fn error_type(self) -> Option<&'static str> {
        match self {
            Self::Complete => None,
            Self::ServiceError => Some("service_error"),
            Self::BodyError => Some("body_error"),
            Self::Panicked => Some("panic"),
            Self::Cancelled => Some("cancelled"),
        }
    }
}

/// Whether no body can follow (RFC 9110, 6.4.1): 1xx (a 101 hands the connection over), 204 and 304.
pub(crate) fn is_bodyless(status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}
