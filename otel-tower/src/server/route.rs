//! The route template of a request.

use otel_core::RequestHead;
use otel_core::predicate::ask;

use crate::server::config::Config;

/// The template that matched, such as `/users/{id}`. Never the path: a name must stay one of few.
pub(crate) fn of<'a>(config: &Config, request: &RequestHead<'a>) -> Option<&'a str> {
    match &config.route {
        Some(own) => ask("route", || own(request)).flatten(),
        None => matched(request),
    }
}

#[cfg(feature = "axum")]
fn matched<'a>(request: &RequestHead<'a>) -> Option<&'a str> {
    request
        .extensions()
        .get::<axum::extract::MatchedPath>()
        .map(axum::extract::MatchedPath::as_str)
}

/// Without a router that says so, no route is known.
#[cfg(not(feature = "axum"))]
fn matched<'a>(_request: &RequestHead<'a>) -> Option<&'a str> {
    None
}
