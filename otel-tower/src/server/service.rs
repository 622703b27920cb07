//! The service: a request comes in.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use otel_exchange::server::{Exchange, ResponseBody, ServerOptions};
use tower_service::Service;

use super::default_options::default_options;
use super::future::ResponseFuture;
use super::request_body;

/// Runs the inner service inside a SERVER span.
///
/// See the [crate docs](crate) for an example.
#[derive(Debug, Clone)]
pub struct ServerService<S> {
    inner: S,
    options: Arc<ServerOptions>,
}

impl<S> ServerService<S> {
    /// Wraps a service with the default options. [`ServerLayer`](crate::ServerLayer) sets others.
    pub fn new(inner: S) -> Self {
        Self::from_options(inner, Arc::new(default_options()))
    }

    pub(super) fn from_options(inner: S, options: Arc<ServerOptions>) -> Self {
        Self { inner, options }
    }

    crate::inner_accessors!();
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ServerService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Error: 'static,
    ReqBody: 'static,
    ResBody: http_body::Body,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let Some((mut exchange, entry)) = Exchange::open(&self.options, &mut request) else {
            return ResponseFuture::new(self.inner.call(request), None);
        };
        if exchange.is_observed() {
            request_body::watch(&mut exchange, &mut request);
        }
        let future = exchange.run_first(entry, || self.inner.call(request));
        ResponseFuture::new(future, Some(exchange))
    }
}
