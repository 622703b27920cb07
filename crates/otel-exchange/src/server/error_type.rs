//! The values of `error.type` for failures that are not a status code.

/// The service returned an error instead of a response.
pub const SERVICE_ERROR: &str = "service_error";
/// The response body failed.
pub const BODY_ERROR: &str = "body_error";
/// The service or the body panicked.
pub(super) const PANIC: &str = "panic";
/// The request was dropped before its end.
pub(super) const CANCELLED: &str = "cancelled";
