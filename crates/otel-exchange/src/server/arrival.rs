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
    #[inline]
    pub(super) fn new<B>(options: &ServerOptions, request: &'a Request<B>) -> Self {
        let extensions = request.extensions();
        let found = options.find_uri.and_then(|find| find(extensions));
        Self {
            head: RequestHead::new(
                request.method(),
                found.unwrap_or_else(|| request.uri()),
                request.version(),
                request.headers(),
                extensions,
            ),
            inner_path: request.uri().path(),
        }
    }

    /// Leaves the URI as the router has left it, for a request of which nothing is recorded.
    #[inline]
    pub(super) fn as_received<B>(request: &'a Request<B>) -> Self {
        Self {
            head: RequestHead::from_request(request),
            inner_path: request.uri().path(),
        }
    }
}
