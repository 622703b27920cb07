//! The future: the response head comes out, or an error.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Response};
use pin_project_lite::pin_project;

use crate::body::ResponseBody;
use crate::exchange::{End, Exchange};

pin_project! {
    /// The future of a [`ServerService`](crate::ServerService): polls the inner one inside the SERVER span.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Option<F>,
        exchange: Option<Exchange>,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            // A handler that is cancelled drops its guards inside its own context.
            let mut this = this.project();
            if let Some(exchange) = this.exchange {
                exchange.run(|| this.inner.set(None));
            }
        }
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn new(inner: F, exchange: Exchange) -> Self {
        Self {
            inner: Some(inner),
            exchange: Some(exchange),
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: http_body::Body,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (Some(inner), Some(exchange)) = (this.inner.as_mut().as_pin_mut(), &mut *this.exchange)
        else {
            panic!("ResponseFuture polled after it was ready");
        };
        let result = ready!(exchange.run(|| inner.poll(cx)));
        exchange.run(|| this.inner.set(None));
        let Some(mut exchange) = this.exchange.take() else {
            unreachable!("it was there when the future was polled");
        };
        Poll::Ready(match result {
            Ok(response) => {
                exchange.respond(response.status());
                let length = content_length(response.headers());
                Ok(response.map(|body| ResponseBody::new(body, exchange, length)))
            }
            Err(error) => {
                exchange.finish(End::ServiceError);
                Err(error)
            }
        })
    }
}

/// What the head promises, also where the body does not know it: a stream that is handed on.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
