//! `Content-Length`.

use http::HeaderMap;
use http::header::CONTENT_LENGTH;

/// Returns the length of a body according to its head, for a body that does not know its length, such as a forwarded stream.
#[must_use]
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
