//! Where a CLIENT span ends.

/// Where the CLIENT span of a request ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndAt {
    /// After the response headers, as the conventions recommend: an application need not read the body. The default.
    #[default]
    Headers,
    /// At the end of the response body, or where the application drops it. An error while it is read is an error of the
    /// request.
    Body,
}
