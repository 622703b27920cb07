//! The view of a request that predicates and hooks see.

use http::{Extensions, HeaderMap, Method, Uri, Version};
use otel_core::RequestHead;
use reqwest::Request;

/// A copy of a request's head, for when the request has gone.
#[derive(Debug)]
pub(crate) struct Head {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
}

impl Head {
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            uri: uri(request),
            version: request.version(),
            headers: request.headers().clone(),
        }
    }

    pub(crate) fn view<'a>(&'a self, extensions: &'a Extensions) -> RequestHead<'a> {
        RequestHead::new(
            &self.method,
            &self.uri,
            self.version,
            &self.headers,
            extensions,
        )
    }
}

/// Shows a request that has not gone yet.
pub(crate) fn show<T>(
    request: &Request,
    extensions: &Extensions,
    to: impl FnOnce(&RequestHead<'_>) -> T,
) -> T {
    to(&RequestHead::new(
        request.method(),
        &uri(request),
        request.version(),
        request.headers(),
        extensions,
    ))
}

/// A URL that makes no URI is one that reqwest will not send either; it shows as `/`.
fn uri(request: &Request) -> Uri {
    request.url().as_str().parse().unwrap_or_default()
}
