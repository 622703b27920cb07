//! The values of `error.type` for what goes wrong on the way to a response and in its body.
//!
//! A half finds out of its transport's errors which it is; what the transports share is in [`of_connect`] and [`causes`].

use std::error::Error;
use std::io;

/// The body of the request or of the response failed.
pub const BODY: &str = "body";
/// No connection, as when it is refused.
pub const CONNECT: &str = "connect";
/// The host's name could not be resolved.
pub const DNS: &str = "dns";
/// None of the others.
pub const OTHER: &str = "_OTHER";
/// What sends has panicked.
pub const PANIC: &str = "panic";
/// A redirect too many, or one that may not be followed.
pub const REDIRECT: &str = "redirect";
/// Sending failed in another way, as when the connection was closed without an answer.
pub const REQUEST: &str = "request";
/// A time limit passed.
pub const TIMEOUT: &str = "timeout";
/// The handshake of TLS failed.
pub const TLS: &str = "tls";

/// Of a failed connection: [`TLS`] where the handshake failed rather than the socket, else [`CONNECT`].
///
/// rustls reports through an I/O error of no operating system's: one whose content is its own error (`InvalidData`), or
/// the end of the stream in the middle of the handshake.
#[must_use]
pub fn of_connect(error: &(dyn Error + 'static)) -> &'static str {
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

/// The error and what caused it, outermost first. No honest chain is longer than 32.
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| Error::source(*cause)).take(32)
}

/// An I/O error leaves what it wraps out of its `source`; where that is another I/O error, the inner one counts.
#[must_use]
pub fn io_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut error = cause.downcast_ref::<io::Error>()?;
    while let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        error = inner;
    }
    Some(error)
}
