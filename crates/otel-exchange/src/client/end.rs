//! How an attempt ended.

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// With a response. Its status code decides whether that is an error.
    Complete,
    /// With an error of this type, before the response or in its body. [`error_type`](super::error_type) has the usual ones.
    Failed(&'static str),
    /// The caller dropped the attempt. This is not an error of HTTP.
    Dropped,
}
