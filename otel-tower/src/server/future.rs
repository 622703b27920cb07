//! The future: the response head comes out, or an error.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use crate::content_length::content_length;
use crate::grpc_status::status_of;
use crate::server::body::ResponseBody;
use crate::server::end::End;
use crate::server::exchange::Exchange;

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
    pub(crate) fn new(inner: F, exchange: Option<Exchange>) -> Self {
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
        // Guards that live as long as the handler are dropped inside its context, too.
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
        Poll::Ready(match (result, this.exchange.take()) {
            (Ok(mut response), Some(mut exchange)) => {
                exchange.respond(&mut response);
                let (head, body) = response.into_parts();
                let body = ResponseBody::new(body, exchange, || content_length(&head.headers));
                Ok(Response::from_parts(head, body))
            }
            (Ok(response), None) => Ok(response.map(ResponseBody::untraced)),
            (Err(error), exchange) => {
                if let Some(mut exchange) = exchange {
                    if let Some(code) = status_of(&error) {
                        exchange.grpc_status(code);
                    }
                    exchange.finish(End::ServiceError);
                }
                Err(error)
            }
        })
    }
}
