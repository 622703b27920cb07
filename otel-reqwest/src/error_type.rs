//! The values of `error.type`.

use std::error::Error as StdError;

use otel_exchange::client::Exchange;
use otel_exchange::client::error_type::{
    BODY, DNS, OTHER, REDIRECT, REQUEST, TIMEOUT, causes, from_connect_error,
};
use reqwest_middleware::Error;

const DECODE: &str = "decode";

/// Returns the `error.type` of a request without a response.
pub(crate) fn from_error(exchange: &Exchange, error: &Error) -> &'static str {
    let known: &(dyn StdError + 'static) = match error {
        Error::Reqwest(error) => error,
        Error::Middleware(error) => error.as_ref(),
    };
    if let Some(name) = exchange.error_name(error, Some(known)) {
        return name;
    }
    match error {
        Error::Reqwest(error) => from_reqwest(error),
        // An inner middleware may have wrapped an error of reqwest.
        Error::Middleware(error) => error.chain().find_map(wrapped).unwrap_or("middleware"),
    }
}

/// Returns the `error.type` of a response body that failed.
pub(crate) fn from_body_error(exchange: &Exchange, error: &reqwest::Error) -> &'static str {
    if let Some(name) = exchange.error_name(error, Some(error)) {
        name
    } else if error.is_timeout() {
        TIMEOUT
    } else if any(error, reqwest::Error::is_decode) {
        DECODE
    } else {
        BODY
    }
}

/// Checks the more specific kind first: a timeout may elapse while connecting, and resolving a name is part of connecting.
fn from_reqwest(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        TIMEOUT
    } else if error.is_dns() {
        DNS
    } else if error.is_connect() {
        from_connect_error(error)
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
        Some(Error::Reqwest(error)) => Some(from_reqwest(error)),
        Some(Error::Middleware(_)) => None,
        None => error.downcast_ref().map(from_reqwest),
    }
}

/// Checks the error and its sources: reqwest may classify only a source.
fn any(error: &reqwest::Error, is: fn(&reqwest::Error) -> bool) -> bool {
    causes(error).any(|cause| cause.downcast_ref().is_some_and(is))
}
