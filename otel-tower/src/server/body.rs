//! The response body: frames go out until the last, an error, or a drop.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::server::end::End;
use crate::server::exchange::Exchange;

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
        // Its length was known before its first frame: a buffer.
        is_buffer: bool,
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
    /// `length` tells what the response head promises, where the body does not know.
    pub(crate) fn new(
        inner: B,
        mut exchange: Exchange,
        length: impl FnOnce() -> Option<u64>,
    ) -> Self {
        let exact = inner.size_hint().exact();
        let is_over = inner.is_end_stream();
        if is_over {
            exchange.finish(End::Complete);
        }
        Self {
            inner: Some(inner),
            exchange: (!is_over).then_some(exchange),
            remaining: exact.or_else(length),
            is_buffer: exact.is_some(),
        }
    }
}

impl<B> ResponseBody<B> {
    pub(crate) fn untraced(inner: B) -> Self {
        Self {
            inner: Some(inner),
            exchange: None,
            remaining: None,
            is_buffer: false,
        }
    }
}

impl<B: Default> Default for ResponseBody<B> {
    /// An empty body outside any request, as `TimeoutLayer` makes them.
    fn default() -> Self {
        Self::untraced(B::default())
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
        let Some(exchange) = this.exchange else {
            return match this.inner.as_pin_mut() {
                Some(inner) => inner.poll_frame(cx),
                None => Poll::Ready(None),
            };
        };
        // Guards that live as long as the body are dropped inside its context, too.
        let step = || {
            let Some(mut inner) = this.inner.as_mut().as_pin_mut() else {
                return Poll::Ready((None, true));
            };
            let polled = ready!(inner.as_mut().poll_frame(cx));
            let is_last = match &polled {
                Some(Ok(frame)) => frame.is_trailers() || inner.is_end_stream(),
                Some(Err(_)) | None => true,
            };
            if is_last {
                this.inner.set(None);
            }
            Poll::Ready((polled, is_last))
        };
        let (polled, is_last) = ready!(if *this.is_buffer {
            exchange.run_in_context(step)
        } else {
            exchange.run(step)
        });
        if let Some(data) = polled.as_ref().and_then(|it| it.as_ref().ok()?.data_ref()) {
            exchange.sent(data.remaining());
            if let Some(remaining) = this.remaining {
                *remaining = remaining.saturating_sub(data.remaining() as u64);
            }
        }
        if let Some(trailers) = polled
            .as_ref()
            .and_then(|it| it.as_ref().ok()?.trailers_ref())
        {
            exchange.trailers(trailers);
        }
        if is_last {
            let is_error = matches!(polled, Some(Err(_)));
            exchange.finish(if is_error {
                End::BodyError
            } else {
                End::Complete
            });
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
