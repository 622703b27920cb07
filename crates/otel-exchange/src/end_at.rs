//! When a span ends.

/// When the span of a request ends, if nothing fails before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndAt {
    /// After the response head. This is the default of clients, as the conventions recommend: an application may never read
    /// the body. Errors of the body are then not recorded.
    Headers,
    /// At the end of the response body, or when the body is dropped. This is the default of servers. An error of the body is an
    /// error of the request.
    Body,
}
