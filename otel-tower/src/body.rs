//! The response body: frames go out until the last, an error, or a drop.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::exchange::{End, Exchange};

pin_project! {
    /// The body of a [`ServerService`](crate::ServerService)'s response: ends the SERVER span with its last frame.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        inner: Option<B>,
        exchange: Option<Exchange>,
        // Bytes that are still to come, where the length is known. A server may stop polling after the last of them, or
        // go on to the trailers.
        remaining: Option<u64>,
    }

    impl<B> PinnedDrop for ResponseBody<B> {
        fn drop(this: Pin<&mut Self>) {
            // A stream that is cancelled drops its guards inside its own context.
            let mut this = this.project();
            if let Some(exchange) = this.exchange {
                exchange.run(|| this.inner.set(None));
                if *this.remaining == Some(0) {
                    exchange.finish(End::Complete);
                }
            }
        }
    }
}

impl<B: Body> ResponseBody<B> {
    /// `length` is what the response head promises, where it does.
    pub(crate) fn new(inner: B, mut exchange: Exchange, length: Option<u64>) -> Self {
        let remaining = length.or_else(|| inner.size_hint().exact());
        if inner.is_end_stream() {
            exchange.finish(End::Complete);
        }
        Self {
            inner: Some(inner),
            exchange: exchange.unless_finished(),
            remaining,
        }
    }
}

impl<B: Default> Default for ResponseBody<B> {
    /// An empty body outside any request, as `TimeoutLayer` makes them.
    fn default() -> Self {
        Self {
            inner: Some(B::default()),
            exchange: None,
            remaining: None,
        }
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let Some(exchange) = this.exchange else {
            return inner.poll_frame(cx);
        };
        let polled = ready!(exchange.run(|| inner.poll_frame(cx)));
        let end = match &polled {
            None => Some(End::Complete),
            Some(Err(_)) => Some(End::BodyError),
            Some(Ok(frame)) => {
                if let (Some(data), Some(remaining)) = (frame.data_ref(), &mut *this.remaining) {
                    *remaining = remaining.saturating_sub(data.remaining() as u64);
                }
                let inner = this.inner.as_ref().as_pin_ref();
                let last = frame.is_trailers() || inner.is_some_and(|inner| inner.is_end_stream());
                last.then_some(End::Complete)
            }
        };
        if let Some(end) = end {
            exchange.run(|| this.inner.set(None));
            exchange.finish(end);
            *this.exchange = None;
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
