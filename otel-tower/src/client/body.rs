//! The response body: it receives frames until the last one, an error, or a drop.

use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};

use bytes::Buf as _;
use http_body::{Body, Frame, SizeHint};
use otel_exchange::End;
use otel_exchange::client::Exchange;
use pin_project_lite::pin_project;

use super::error_type;
use crate::grpc_status;
use crate::known_error::as_error;

pin_project! {
    /// The body of a [`ClientService`](crate::ClientService)'s response. Its last frame ends the CLIENT span, unless the span has
    /// ended with the response head.
    #[derive(Debug)]
    pub struct ClientBody<B> {
        #[pin]
        inner: B,
        // If it is dropped before its end, the attempt ends as dropped.
        exchange: Option<Exchange>,
    }
}

impl<B: Body> ClientBody<B> {
    pub(super) fn new(inner: B, mut exchange: Exchange) -> Self {
        let is_over = inner.is_end_stream();
        if is_over {
            exchange.finish(End::Complete);
        }
        Self {
            inner,
            exchange: (!is_over).then_some(exchange),
        }
    }
}

impl<B> ClientBody<B> {
    /// Returns a reference to the inner body.
    pub fn get_ref(&self) -> &B {
        &self.inner
    }

    /// Returns a mutable reference to the inner body.
    pub fn get_mut(&mut self) -> &mut B {
        &mut self.inner
    }

    /// Returns the inner body. If the span has not ended yet, the attempt ends as dropped.
    pub fn into_inner(self) -> B {
        self.inner
    }

    pub(super) fn untraced(inner: B) -> Self {
        Self {
            inner,
            exchange: None,
        }
    }
}

impl<B: Default> Default for ClientBody<B> {
    /// Makes an empty body outside any request, as `TimeoutLayer` does.
    fn default() -> Self {
        Self::untraced(B::default())
    }
}

impl<B> Body for ClientBody<B>
where
    B: Body,
    B::Error: 'static,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Task<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let mut step = || this.inner.as_mut().poll_frame(task);
        let polled = ready!(match this.exchange {
            Some(exchange) => exchange.run_without_context(step),
            None => step(),
        });
        if let Some(exchange) = this.exchange {
            let end = match &polled {
                None => Some(End::Complete),
                Some(Err(error)) => {
                    grpc_status::record(exchange, error);
                    let name = exchange.error_name(error, as_error(error));
                    let error_type = name.unwrap_or_else(|| error_type::from_body_error(error));
                    Some(End::Failed(error_type))
                }
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        exchange.data(data.remaining());
                    }
                    if let Some(trailers) = frame.trailers_ref() {
                        exchange.trailers(trailers);
                    }
                    // A reader need not poll again after the last frame.
                    let is_last = frame.is_trailers() || this.inner.is_end_stream();
                    is_last.then_some(End::Complete)
                }
            };
            if let Some(end) = end {
                exchange.finish(end);
                *this.exchange = None;
            }
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
