//! The values of `error.type` for failures before the response and in its body.
//!
//! An adapter maps its transport's errors to these values.

use std::error::Error;
use std::io;

/// The body of the request or of the response failed.
pub const BODY: &str = "body";
/// The connection failed, for example because it was refused.
pub const CONNECT: &str = "connect";
/// The name of the host could not be resolved.
pub const DNS: &str = "dns";
/// Any other failure.
pub const OTHER: &str = "_OTHER";
/// The inner service panicked.
pub const PANIC: &str = "panic";
/// Too many redirects, or a redirect that must not be followed.
pub const REDIRECT: &str = "redirect";
/// Sending failed in another way, for example because the connection was closed without a response.
pub const REQUEST: &str = "request";
/// A timeout elapsed.
pub const TIMEOUT: &str = "timeout";
/// The TLS handshake failed.
pub const TLS: &str = "tls";

/// Returns [`TLS`] if the handshake of a connection failed, else [`CONNECT`].
///
/// rustls reports an I/O error without an operating system's code: `InvalidData`, or `UnexpectedEof` if the stream ended
/// during the handshake.
#[must_use]
pub fn from_connect_error(error: &(dyn Error + 'static)) -> &'static str {
    let is_tls = causes(error).filter_map(io_error).any(|error| {
        let kind = error.kind();
        error.raw_os_error().is_none()
            && matches!(
                kind,
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            )
    });
    if is_tls { TLS } else { CONNECT }
}

/// Returns the error and its sources, outermost first, at most 32.
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| Error::source(*cause)).take(32)
}

/// Returns the I/O error that this is. If an I/O error wraps another one, returns the innermost: `source` does not show it.
#[must_use]
pub fn io_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut error = cause.downcast_ref::<io::Error>()?;
    while let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        error = inner;
    }
    Some(error)
}

/// Returns the full name of an error's type, or [`OTHER`] if the type is erased.
#[must_use]
pub fn from_type<E>() -> &'static str {
    otel_core::error::error_type::<E>()
}
