//! The closed list of `error.type`.

use std::error::Error as StdError;
use std::io;

use reqwest_middleware::Error;

pub(crate) const BODY: &str = "body";
pub(crate) const REDIRECT: &str = "redirect";

/// Why a request got no response.
pub(crate) fn of_error(error: &Error) -> &'static str {
    match error {
        Error::Reqwest(error) => of_reqwest(error),
        // A middleware further in may have wrapped what reqwest said.
        Error::Middleware(error) => error.chain().find_map(wrapped).unwrap_or("middleware"),
    }
}

/// Why a response body ended early.
pub(crate) fn of_body(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timeout"
    } else if any(error, reqwest::Error::is_decode) {
        "decode"
    } else {
        BODY
    }
}

/// The narrower kind first: a time limit may pass while connecting, and looking up a name is part of connecting.
fn of_reqwest(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timeout"
    } else if error.is_dns() {
        "dns"
    } else if error.is_connect() {
        if is_tls(error) { "tls" } else { "connect" }
    } else if error.is_redirect() {
        REDIRECT
    } else if any(error, reqwest::Error::is_decode) {
        "decode"
    } else if any(error, reqwest::Error::is_body) {
        BODY
    } else if error.is_request() {
        "request"
    } else if error.is_builder() {
        "builder"
    } else {
        "_OTHER"
    }
}

fn wrapped(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    match error.downcast_ref::<Error>() {
        Some(Error::Reqwest(error)) => Some(of_reqwest(error)),
        Some(Error::Middleware(_)) => None,
        None => error.downcast_ref().map(of_reqwest),
    }
}

fn any(error: &reqwest::Error, is: fn(&reqwest::Error) -> bool) -> bool {
    is(error) || causes(error).any(|cause| cause.downcast_ref().is_some_and(is))
}

/// Of a failed connection: whether the handshake failed rather than the socket.
///
/// rustls reports through an I/O error of no operating system's: one whose content is its own error (`InvalidData`), or
/// the end of the stream in the middle of the handshake.
fn is_tls(error: &reqwest::Error) -> bool {
    causes(error).filter_map(io_error).any(|error| {
        let kind = error.kind();
        error.raw_os_error().is_none()
            && matches!(
                kind,
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            )
    })
}

/// An I/O error leaves what it wraps out of its `source`; where that is another I/O error, the inner one counts.
fn io_error<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    let mut error = cause.downcast_ref::<io::Error>()?;
    while let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        error = inner;
    }
    Some(error)
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause| StdError::source(*cause))
}
