//! Which error of a request's body means that the client has left.

use std::error::Error;
use std::io::{self, ErrorKind};

/// Returns `true` if the connection or the stream broke off while hyper read the body.
///
/// hyper's errors of HTTP/1 contain the error of the socket, or say that the message is incomplete. Its errors of HTTP/2 contain
/// none: then the client has reset the stream, or the connection is gone. The error of a body limit or of a timeout contains no
/// error of hyper.
pub(super) fn is_disconnect(error: &(dyn Error + 'static)) -> bool {
    let mut is_of_hyper = false;
    let mut has_io_error = false;
    let mut next = Some(error);
    while let Some(error) = next {
        next = error.source();
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_timeout() || error.is_parse() || error.is_user() {
                return false;
            }
            (is_of_hyper, has_io_error) = (true, false);
        } else if let Some(error) = error.downcast_ref::<io::Error>() {
            if is_broken(error.kind(), is_of_hyper) {
                return true;
            }
            has_io_error = true;
            // The source of an I/O error is not the error that it contains, but the source of that error.
            next = error.get_ref().map(|inner| inner as _);
        }
    }
    is_of_hyper && !has_io_error
}

/// Returns `true` for an error of a socket. A decoder outside the layer also calls a truncated body `UnexpectedEof`.
fn is_broken(kind: ErrorKind, is_of_hyper: bool) -> bool {
    match kind {
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => true,
        ErrorKind::UnexpectedEof => is_of_hyper,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::BoxError;

    use super::*;

    #[derive(Debug)]
    struct Outer(BoxError);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("outer")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&*self.0)
        }
    }

    #[test]
    fn only_a_broken_connection_means_that_the_client_left() {
        let table: [(io::Error, bool); 6] = [
            (ErrorKind::ConnectionReset.into(), true),
            (ErrorKind::BrokenPipe.into(), true),
            (io::Error::new(ErrorKind::ConnectionAborted, "gone"), true),
            (
                io::Error::other(io::Error::from(ErrorKind::ConnectionReset)),
                true,
            ),
            (ErrorKind::UnexpectedEof.into(), false),
            (ErrorKind::TimedOut.into(), false),
        ];
        for (error, expected) in table {
            let text = format!("{error:?}");
            assert_eq!(is_disconnect(&error), expected, "{text}");
            let wrapped = axum::Error::new(Outer(error.into()));
            assert_eq!(is_disconnect(&wrapped), expected, "{text}");
        }
        assert!(!is_disconnect(&axum::Error::new("length limit exceeded")));
    }
}
