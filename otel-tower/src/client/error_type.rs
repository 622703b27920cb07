//! The values of `error.type` for the errors of clients.

use std::error::Error;
use std::io;

use otel_exchange::client::error_type::{
    BODY, DNS, OTHER, REQUEST, TIMEOUT, causes, from_connect_error, from_type, io_error,
};

use crate::known_error::as_error;

/// Returns the `error.type` of a request without a response. An error of an unknown type is named by its type.
pub(super) fn from_error<E: 'static>(error: &E) -> &'static str {
    match as_error(error) {
        Some(error) => from_causes(error),
        None => from_type::<E>(),
    }
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

fn is_timeout(cause: &(dyn Error + 'static)) -> bool {
    #[cfg(feature = "tonic")]
    if cause.is::<tonic::TimeoutExpired>() {
        return true;
    }
    if io_error(cause).is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
        return true;
    }
    // The error of tower's `Timeout` has had this text since its first version; depending on tower for its type costs more.
    cause.source().is_none() && cause.to_string() == "request timed out"
}

/// The type of this error is private in hyper-util, so its text is compared.
fn is_dns(cause: &(dyn Error + 'static)) -> bool {
    cause.to_string() == "dns error"
}

fn is_connect(cause: &(dyn Error + 'static)) -> bool {
    #[cfg(feature = "hyper-util")]
    if let Some(error) = cause.downcast_ref::<hyper_util::client::legacy::Error>() {
        return error.is_connect();
    }
    #[cfg(feature = "tonic")]
    if cause.is::<tonic::ConnectError>() {
        return true;
    }
    io_error(cause).is_some_and(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::AddrNotAvailable
        )
    })
}

/// Returns `true` for errors of the client itself, as opposed to those of a layer in between.
fn is_transport(cause: &(dyn Error + 'static)) -> bool {
    #[cfg(feature = "hyper-util")]
    if cause.is::<hyper_util::client::legacy::Error>() {
        return true;
    }
    #[cfg(feature = "tonic")]
    if cause.is::<tonic::transport::Error>() || cause.is::<hyper::Error>() {
        return true;
    }
    cause.is::<io::Error>()
}
