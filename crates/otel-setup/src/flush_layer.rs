//! The layer that flushes at the end of each response.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::flush_body::{FlushBody, Protocol};
use crate::flush_panic::{HeldPanic, catch_panic};
use crate::flusher::{Flusher, PendingFlush};

/// Exports spans, metrics and log records at the end of each response, before the client sees the end.
///
/// A process that is frozen right after its response, as on AWS Lambda, and on Cloud Run with CPU only during requests, then
/// loses no span.
///
/// Put it outside `ServerLayer`, so that the SERVER span has ended. The head and the frames of a response pass at once. The layer
/// holds back only what marks a response as complete:
///
/// - the end of the body, or its trailers, or its error,
/// - the last frame, if the length of the body is known,
/// - the head of a response without a body, as after HEAD requests and with status 204,
/// - the error or the panic of a service that returns no response.
///
/// It waits for at most [`Builder::flush_limit`](crate::Builder::flush_limit). Each request takes as long as the export to the
/// endpoint takes. If the client leaves before the end of a response, the layer does not flush.
///
/// Spans that end later, such as those of a task that the handler has spawned, are exported with the next request.
///
/// # Examples
///
/// ```no_run
/// use axum::{Router, routing::get};
///
/// # fn main() -> Result<(), otel_setup::SetupError> {
/// let telemetry = otel_setup::init("checkout")?;
/// let app: Router = Router::new()
///     .route("/", get(|| async { "hello" }))
///     .layer(otel_tower::ServerLayer::new())
///     .layer(telemetry.flush_layer()); // the last layer is outermost
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FlushLayer {
    flusher: Arc<Flusher>,
}

impl FlushLayer {
    pub(crate) fn new(flusher: Arc<Flusher>) -> Self {
        Self { flusher }
    }
}

impl<S> Layer<S> for FlushLayer {
    type Service = FlushService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        FlushService {
            inner,
            flusher: Arc::clone(&self.flusher),
        }
    }
}

/// The service of a [`FlushLayer`].
#[derive(Clone, Debug)]
pub struct FlushService<S> {
    inner: S,
    flusher: Arc<Flusher>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for FlushService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body,
{
    type Response = Response<FlushBody<ResBody>>;
    type Error = S::Error;
    type Future = FlushFuture<S::Future, ResBody, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let protocol = Protocol::new(&request);
        FlushFuture {
            inner: Some(self.inner.call(request)),
            protocol,
            flusher: Arc::clone(&self.flusher),
            flush: None,
            result: None,
        }
    }
}

pin_project! {
    /// The future of a [`FlushService`]. It flushes if the service fails or the server will not read the body.
    #[derive(Debug)]
    pub struct FlushFuture<F, B, E>
    where
        B: Body,
    {
        // Dropped before the flush, together with its spans.
        #[pin]
        inner: Option<F>,
        protocol: Protocol,
        flusher: Arc<Flusher>,
        flush: Option<PendingFlush>,
        // What is held back during the flush.
        result: Option<Result<Result<Response<FlushBody<B>>, E>, HeldPanic>>,
    }
}

impl<F, B, E> Future for FlushFuture<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<FlushBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(inner) = this.inner.as_mut().as_pin_mut() {
            let result = ready!(catch_panic(|| inner.poll(cx)));
            this.inner.set(None);
            let result = result.map(|result| {
                result.map(|response| FlushBody::wrap(response, *this.protocol, this.flusher))
            });
            let is_over = match &result {
                Ok(Ok(response)) => response.body().is_over(),
                Ok(Err(_)) | Err(_) => true,
            };
            if is_over {
                *this.flush = Some(this.flusher.start());
            }
            *this.result = Some(result);
        }
        if let Some(flush) = this.flush {
            ready!(Pin::new(flush).poll(cx));
            *this.flush = None;
        }
        match this.result.take() {
            Some(Ok(result)) => Poll::Ready(result),
            Some(Err(panic)) => panic.resume(),
            None => panic!("FlushFuture polled after it was ready"),
        }
    }
}
