//! The values of `error.type` for the errors of clients.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io;
use std::sync::Once;

use otel_exchange::client::error_type::{
    BODY, DNS, OTHER, REQUEST, TIMEOUT, causes, from_connect_error, from_type, io_error,
};

use crate::known_error::as_error;

/// Returns the `error.type` of a request without a response. An error of an unknown type is named by its type.
pub(super) fn from_error<E: 'static>(error: &E) -> &'static str {
    match as_error(error) {
        Some(error) => from_causes(error),
        None => {
            let name = from_type::<E>();
            if name.starts_with("tonic::") {
                warn_of_tonic(name);
            }
            name
        }
    }
}

/// With the feature `tonic` the types of a channel's errors are known.
#[cold]
fn warn_of_tonic(name: &str) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            name: "tonic_feature_missing",
            { event.name = "tonic_feature_missing" },
            "a client has failed with {name}, and error.type does not say why: enable the feature `tonic` of otel-tower"
        );
    });
}

/// Returns the `error.type` of a response body that failed.
pub(super) fn from_body_error<E: 'static>(error: &E) -> &'static str {
    let error = as_error(error);
    if error.is_some_and(|error| causes(error).any(is_timeout)) {
        TIMEOUT
    } else {
        BODY
    }
}

/// Checks the more specific kind first: a timeout may elapse while connecting, and resolving a name is part of connecting.
fn from_causes(error: &(dyn Error + 'static)) -> &'static str {
    if causes(error).any(is_timeout) {
        TIMEOUT
    } else if causes(error).any(is_dns) {
        DNS
    } else if causes(error).any(is_connect) {
        from_connect_error(error)
    } else if causes(error).any(is_transport) {
        REQUEST
    } else {
        OTHER
    }
}

/// The texts of leaf errors that mean a timeout: of tower's `Timeout`, of tonic's, of tokio's `timeout`. Depending on these crates for
/// the types of their errors costs more, and with a feature for it `error.type` would depend on the feature.
const TIMEOUTS: [&str; 3] = [
    "request timed out",
    "Timeout expired",
    "deadline has elapsed",
];

fn is_timeout(cause: &(dyn Error + 'static)) -> bool {
    if io_error(cause).is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
        return true;
    }
    cause.source().is_none() && TIMEOUTS.iter().any(|text| has_text(cause, text))
}

/// The type of this error is private in hyper-util, so its text is compared.
fn is_dns(cause: &(dyn Error + 'static)) -> bool {
    has_text(cause, "dns error")
}

fn is_connect(cause: &(dyn Error + 'static)) -> bool {
    if let Some(error) = cause.downcast_ref::<hyper_util::client::legacy::Error>() {
        return error.is_connect();
    }
    let is_refused = io_error(cause).is_some_and(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::AddrNotAvailable
        )
    });
    // The second is tonic's.
    is_refused || is_shown_as(cause, "ConnectError(")
}

/// Returns `true` for errors of the client itself, as opposed to those of a layer in between.
fn is_transport(cause: &(dyn Error + 'static)) -> bool {
    cause.is::<hyper_util::client::legacy::Error>()
        || cause.is::<hyper::Error>()
        || cause.is::<io::Error>()
        || is_shown_as(cause, "tonic::transport::Error(")
}

/// Returns `true` if this is the text of the error.
fn has_text(cause: &(dyn Error + 'static), text: &str) -> bool {
    let mut rest = Start(text);
    let is_written = write!(rest, "{cause}").is_ok();
    is_written && rest.0.is_empty()
}

/// Returns `true` if the `Debug` form of the error starts with this name. It names types of crates that are not dependencies.
fn is_shown_as(cause: &(dyn Error + 'static), name: &str) -> bool {
    let mut rest = Start(name);
    let _ = write!(rest, "{cause:?}");
    rest.0.is_empty()
}

/// The part of a text that has not been written yet. Anything else is an error, which stops the writer.
struct Start<'a>(&'a str);

impl fmt::Write for Start<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let Some(rest) = self.0.strip_prefix(text) else {
            // The last part may be longer than the rest of the text.
            if !self.0.is_empty() && text.starts_with(self.0) {
                self.0 = "";
            }
            return Err(fmt::Error);
        };
        self.0 = rest;
        Ok(())
    }
}
