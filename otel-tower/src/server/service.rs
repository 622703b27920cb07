//! The service: a request comes in.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use crate::server::body::ResponseBody;
use crate::server::config::Config;
use crate::server::exchange::Exchange;
use crate::server::future::ResponseFuture;

/// Runs the service it wraps inside a SERVER span.
///
/// See the [crate docs](crate) for an example.
#[derive(Debug, Clone)]
pub struct ServerService<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> ServerService<S> {
    pub(crate) fn new(inner: S, config: Arc<Config>) -> Self {
        Self { inner, config }
    }
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
        let Some((mut exchange, entered)) = Exchange::begin(&self.config, &mut request) else {
            return ResponseFuture::new(self.inner.call(request), None);
        };
        let future = exchange.run_first(entered, || self.inner.call(request));
        ResponseFuture::new(future, Some(exchange))
    }
}
