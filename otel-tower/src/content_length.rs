//! What the head of a message promises of its body.

use http::HeaderMap;
use http::header::CONTENT_LENGTH;

/// Also known where the body does not know it: a stream that is handed on.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
