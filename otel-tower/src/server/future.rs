//! The future: it returns the response head, or an error.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use otel_exchange::End;
use otel_exchange::server::error_type::SERVICE_ERROR;
use otel_exchange::server::{Exchange, ResponseBody};
use pin_project_lite::pin_project;

use crate::grpc_status::status_of;
use crate::known_error::as_error;

pin_project! {
    /// The future of a [`ServerService`](crate::ServerService). It polls the inner future inside the SERVER span.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: Option<F>,
        exchange: Option<Exchange>,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            // If the handler is cancelled, its guards are dropped inside its context.
            let mut this = this.project();
            if let Some(exchange) = this.exchange {
                exchange.run_last(|| this.inner.set(None));
            }
        }
    }
}

impl<F> ResponseFuture<F> {
    #[inline]
    pub(super) fn new(inner: F, exchange: Option<Exchange>) -> Self {
        Self {
            inner: Some(inner),
            exchange,
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: http_body::Body,
    E: 'static,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // The inner future is dropped inside its context, together with its guards.
        let mut step = || {
            let Some(inner) = this.inner.as_mut().as_pin_mut() else {
                panic!("ResponseFuture polled after it was ready");
            };
            let result = ready!(inner.poll(cx));
            this.inner.set(None);
            Poll::Ready(result)
        };
        let result = ready!(match this.exchange {
            Some(exchange) => exchange.run(step),
            None => step(),
        });
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                if let Some(mut exchange) = this.exchange.take() {
                    let error_type = match status_of(&error) {
                        Some(code) => {
                            exchange.grpc_status(code);
                            SERVICE_ERROR
                        }
                        None => {
                            let name = exchange.error_name(&error, as_error(&error));
                            name.unwrap_or(SERVICE_ERROR)
                        }
                    };
                    exchange.finish(End::Failed(error_type));
                }
                return Poll::Ready(Err(error));
            }
        };
        Poll::Ready(Ok(match this.exchange.take() {
            Some(exchange) => exchange.into_response(response),
            None => response.map(ResponseBody::untraced),
        }))
    }
}
