//! The values of `error.type` for the errors of clients, whatever their type.

use std::error::Error;
use std::io;

use otel_core::client::error_type::{
    BODY, DNS, OTHER, REQUEST, TIMEOUT, causes, io_error, of_connect,
};

use crate::known_error::as_error;

/// Why a request got no response. An error of a type that is not known here is named by its type.
pub(super) fn of_error<E: 'static>(error: &E) -> &'static str {
    match as_error(error) {
        Some(error) => of_causes(error),
        None => otel_core::error::error_type::<E>(),
    }
}

/// Why a response body ended early.
pub(super) fn of_body<E: 'static>(error: &E) -> &'static str {
    let error = as_error(error);
    if error.is_some_and(|error| causes(error).any(is_timeout)) {
        TIMEOUT
    } else {
        BODY
    }
}

/// The narrower kind first: a time limit may pass while connecting, and looking up a name is part of connecting.
fn of_causes(error: &(dyn Error + 'static)) -> &'static str {
    if causes(error).any(is_timeout) {
        TIMEOUT
    } else if causes(error).any(is_dns) {
        DNS
    } else if causes(error).any(is_connect) {
        of_connect(error)
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
    // tower's `Timeout` has a type of its own for it, and this text since its first version.
    let is_towers = || cause.source().is_none() && cause.to_string() == "request timed out";
    io_error(cause).is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) || is_towers()
}

/// The resolver of hyper-util has no type for it that can be named, but this text.
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

/// Errors of what sends, as against those of a layer in between.
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
