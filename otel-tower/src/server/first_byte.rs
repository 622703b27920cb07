//! How the time to the first byte is shown.

/// How the span shows when the first bytes of the response body were handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FirstByte {
    /// As the span event `http.server.first_byte`.
    Event,
    /// As the attribute `http.server.time_to_first_byte`, in seconds since the request came.
    Attribute,
}

pub(crate) const EVENT: &str = "http.server.first_byte";
pub(crate) const ATTRIBUTE: &str = "http.server.time_to_first_byte";
