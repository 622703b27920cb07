//! A request as the client sent it, and as the router around the layer has left it.

use http::Request;
use otel_core::RequestHead;

use super::options::ServerOptions;

/// A request whose span is not open yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival<'a> {
    /// The head with the URI that the client sent.
    pub(super) head: RequestHead<'a>,
    /// The path that the layer received. A nested router removes its prefix, which is not part of a gRPC method.
    pub(super) inner_path: &'a str,
}

impl<'a> Arrival<'a> {
    pub(super) fn new<B>(options: &ServerOptions, request: &'a Request<B>) -> Self {
        Self {
            head: head(options, request),
            inner_path: request.uri().path(),
        }
    }
}

/// Returns the head of a request with the URI that the client sent.
#[inline]
pub(super) fn head<'a, B>(options: &ServerOptions, request: &'a Request<B>) -> RequestHead<'a> {
    let extensions = request.extensions();
    let found = options.find_uri.and_then(|find| find(extensions));
    RequestHead::new(
        request.method(),
        found.unwrap_or_else(|| request.uri()),
        request.version(),
        request.headers(),
        extensions,
    )
}
