//! The closed list of `error.type`.

use http::StatusCode;
use otel_core::http::client_error_type;
use reqwest_middleware::Error;

pub(crate) fn of_status(status: StatusCode) -> Option<&'static str> {
    client_error_type(status)
}

/// Time limits first: a timeout while connecting is both.
pub(crate) fn of_error(error: &Error) -> &'static str {
    let error = match error {
        Error::Middleware(_) => return "middleware",
        Error::Reqwest(error) => error,
    };
    if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connect"
    } else if error.is_redirect() {
        "redirect"
    } else if error.is_decode() {
        "decode"
    } else if error.is_body() {
        "body"
    } else if error.is_request() {
        "request"
    } else {
        "_OTHER"
    }
}
