//! The closed list of `error.type`.

use std::error::Error as StdError;

use otel_core::client::error_type::{
    BODY, DNS, OTHER, REDIRECT, REQUEST, TIMEOUT, causes, of_connect,
};
use reqwest_middleware::Error;

const DECODE: &str = "decode";

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
        TIMEOUT
    } else if any(error, reqwest::Error::is_decode) {
        DECODE
    } else {
        BODY
    }
}

/// The narrower kind first: a time limit may pass while connecting, and looking up a name is part of connecting.
fn of_reqwest(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        TIMEOUT
    } else if error.is_dns() {
        DNS
    } else if error.is_connect() {
        of_connect(error)
    } else if error.is_redirect() {
        REDIRECT
    } else if any(error, reqwest::Error::is_decode) {
        DECODE
    } else if any(error, reqwest::Error::is_body) {
        BODY
    } else if error.is_request() {
        REQUEST
    } else if error.is_builder() {
        "builder"
    } else {
        OTHER
    }
}

fn wrapped(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    match error.downcast_ref::<Error>() {
        Some(Error::Reqwest(error)) => Some(of_reqwest(error)),
        Some(Error::Middleware(_)) => None,
        None => error.downcast_ref().map(of_reqwest),
    }
}

/// What reqwest says of the outermost error it may say of a cause alone.
fn any(error: &reqwest::Error, is: fn(&reqwest::Error) -> bool) -> bool {
    causes(error).any(|cause| cause.downcast_ref().is_some_and(is))
}
