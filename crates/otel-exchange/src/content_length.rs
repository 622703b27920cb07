//! `Content-Length`, and responses without a body.

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};

/// Returns the length of a body according to its head, for a body that does not know its length, such as a forwarded stream.
#[must_use]
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Returns `true` if no body can follow (RFC 9110, 6.4.1): 1xx (a 101 hands the connection over), 204 and 304.
pub(crate) fn is_bodyless(status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}
