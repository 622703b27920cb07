//! The values of `error.type` for failures before the response and in its body.
//!
//! An adapter maps its transport's errors to these values.

use std::error::Error;
use std::fmt::Write as _;
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
/// rustls and native-tls give the same result, so that it does not depend on the features of a client.
#[must_use]
pub fn from_connect_error(error: &(dyn Error + 'static)) -> &'static str {
    let is_tls = causes(error).any(|cause| match io_error(cause) {
        Some(error) if is_rustls(error) => true,
        Some(error) if error.raw_os_error().is_some() => false,
        _ => is_native_tls(cause),
    });
    if is_tls { TLS } else { CONNECT }
}

/// Returns `true` for what rustls reports: an I/O error without an operating system's code, `InvalidData`, or `UnexpectedEof` if
/// the stream ended during the handshake.
fn is_rustls(error: &io::Error) -> bool {
    let kind = error.kind();
    error.raw_os_error().is_none()
        && matches!(
            kind,
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
        )
}

/// Returns `true` for what native-tls reports: an error of OpenSSL, or of the operating system on macOS and Windows.
///
/// Their types are not available without these libraries, so their texts are searched. Only the last cause counts: the text of
/// reqwest's error contains the URL.
fn is_native_tls(cause: &(dyn Error + 'static)) -> bool {
    if cause.source().is_some() {
        return false;
    }
    let mut text = String::new();
    let _ = write!(text, "{cause}");
    text == "unexpected EOF"
        || ["SSL routines", "certificate", "handshake"]
            .iter()
            .any(|part| text.contains(part))
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

/// Returns the path of an error's type, or [`OTHER`] if the type names no error, as [`otel_core::error`] lists.
#[must_use]
pub fn from_type<E>() -> &'static str {
    otel_core::error::error_type::<E>()
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Text(&'static str, Option<Box<Text>>);

    impl fmt::Display for Text {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Text {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self.1.as_deref()?)
        }
    }

    #[test]
    fn a_failed_handshake_is_tls_with_either_tls_library() {
        // The texts of native-tls 0.2 with OpenSSL 3.0, for a plain server, a stream that ended, and an unknown certificate.
        let table = [
            (
                "error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../ssl/record/ssl3_record.c:350:",
                TLS,
            ),
            ("unexpected EOF", TLS),
            ("The certificate was not trusted.", TLS),
            ("tcp connect error", CONNECT),
            ("tunnel error: unsuccessful", CONNECT),
        ];
        for (text, expected) in table {
            // The text of the outer error has the URL.
            let outer = "error sending request for url (https://shop/handshake/certificate)";
            let error = Text(outer, Some(Box::new(Text(text, None))));
            assert_eq!(from_connect_error(&error), expected, "{text}");
        }
        for (kind, expected) in [
            (io::ErrorKind::InvalidData, TLS),
            (io::ErrorKind::UnexpectedEof, TLS),
            (io::ErrorKind::ConnectionRefused, CONNECT),
        ] {
            let error = io::Error::new(kind, "hunter2");
            assert_eq!(from_connect_error(&error), expected, "{kind}");
        }
        // ECONNRESET during the handshake
        let reset = io::Error::from_raw_os_error(104);
        assert_eq!(from_connect_error(&reset), CONNECT);
    }
}
