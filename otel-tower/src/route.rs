//! The route template of a request.

use otel_core::RequestHead;

/// The template that matched, such as `/users/{id}`. Never the path: a name must stay one of few.
#[cfg(feature = "axum")]
pub(crate) fn of<'a>(request: &RequestHead<'a>) -> Option<&'a str> {
    request
        .extensions()
        .get::<axum::extract::MatchedPath>()
        .map(axum::extract::MatchedPath::as_str)
}

/// Without a router that says so, no route is known.
#[cfg(not(feature = "axum"))]
pub(crate) fn of<'a>(_request: &RequestHead<'a>) -> Option<&'a str> {
    None
}
