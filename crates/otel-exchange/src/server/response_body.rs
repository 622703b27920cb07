//! The response body: it sends frames until the last one, an error, or a drop.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::error_type::BODY_ERROR;
use super::exchange::Exchange;
use crate::content_length::content_length;
use crate::outcome::End;

pin_project! {
    /// The body of a response. Its last frame ends the SERVER span.
    ///
    /// The inner body is polled and dropped inside the span.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        inner: Option<B>,
        exchange: Option<Exchange>,
        // The bytes that are still to be sent, if the length is known. After the last byte a server may stop polling, or poll
        // for the trailers.
        remaining: Option<u64>,
        // The length was known before the first frame.
        is_buffer: bool,
    }

    impl<B> PinnedDrop for ResponseBody<B> {
        fn drop(this: Pin<&mut Self>) {
            // If a stream is cancelled, its guards are dropped inside its context.
            let mut this = this.project();
            if let Some(exchange) = this.exchange {
                exchange.run_last(|| this.inner.set(None));
                if *this.remaining == Some(0) {
                    exchange.finish(End::Complete);
                }
            }
        }
    }
}

impl Exchange {
    /// Calls [`respond`](Self::respond) with the response, and wraps its body so that the end of the body ends the request.
    #[inline]
    pub fn into_response<B: Body>(
        mut self,
        mut response: Response<B>,
    ) -> Response<ResponseBody<B>> {
        let exact = response.body().size_hint().exact();
        self.respond_with(&mut response, exact.is_none());
        let (head, body) = response.into_parts();
        let is_over = body.is_end_stream();
        if is_over {
            self.finish(End::Complete);
        }
        let body = ResponseBody {
            inner: Some(body),
            exchange: (!is_over).then_some(self),
            remaining: exact.or_else(|| content_length(&head.headers)),
            is_buffer: exact.is_some(),
        };
        Response::from_parts(head, body)
    }
}

impl<B> ResponseBody<B> {
    /// Returns a reference to the inner body. Returns `None` after its last frame.
    pub fn get_ref(&self) -> Option<&B> {
        self.inner.as_ref()
    }

    /// Returns a mutable reference to the inner body. Returns `None` after its last frame.
    pub fn get_mut(&mut self) -> Option<&mut B> {
        self.inner.as_mut()
    }

    /// Returns the inner body. Returns `None` after the last frame. A request whose body is not complete ends as cancelled.
    pub fn into_inner(mut self) -> Option<B> {
        self.inner.take()
    }

    /// Wraps a body of a request without an exchange.
    #[inline]
    pub fn untraced(inner: B) -> Self {
        Self {
            inner: Some(inner),
            exchange: None,
            remaining: None,
            is_buffer: false,
        }
    }
}

impl<B: Default> Default for ResponseBody<B> {
    /// Makes an empty body outside any request, as `TimeoutLayer` does.
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
        // The inner body is dropped inside its context, together with its guards.
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
            exchange.run_without_tracing_span(step)
        } else {
            exchange.run_frame(step)
        });
        if let Some(data) = polled.as_ref().and_then(|it| it.as_ref().ok()?.data_ref()) {
            exchange.data(data.remaining());
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
                End::Failed(BODY_ERROR)
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

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use bytes::Bytes;
    use futures_util::{FutureExt as _, stream};
    use http::Request;
    use http::header::CONTENT_LENGTH;
    use http_body_util::{BodyExt as _, StreamBody};
    use opentelemetry::trace::Status;
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};

    use super::*;
    use crate::server::ServerOptions;

    /// Reads frames of a stream of two, takes the inner body, and returns whether there was one and whether the span failed.
    fn taken_after(frames: usize, content_length: Option<&'static str>) -> (bool, bool) {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        let mut options = ServerOptions::new("test", "1");
        options.common_mut().set_tracer_provider(&provider);
        let opened = Exchange::open(&Arc::new(options), &mut Request::new(()));
        let (mut exchange, entry) = opened.unwrap();
        exchange.run_first(entry, || ());
        let data = || Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"half")));
        let inner = StreamBody::new(stream::iter([data(), data()]));
        let mut response = Response::new(inner);
        if let Some(length) = content_length {
            let length = length.parse().unwrap();
            response.headers_mut().insert(CONTENT_LENGTH, length);
        }
        let mut body = exchange.into_response(response).into_body();
        for _ in 0..frames {
            let _ = body.frame().now_or_never().unwrap();
        }
        assert_eq!(body.get_ref().is_some(), body.get_mut().is_some());
        let is_some = body.into_inner().is_some();
        let spans = exporter.get_finished_spans().unwrap();
        (is_some, spans[0].status == Status::error(""))
    }

    #[test]
    fn a_request_whose_body_is_taken_ends_as_cancelled_unless_the_body_is_complete() {
        assert_eq!(taken_after(0, None), (true, true));
        assert_eq!(taken_after(1, Some("8")), (true, true));
        assert_eq!(taken_after(2, None), (true, true));
        assert_eq!(taken_after(2, Some("8")), (true, false));
        assert_eq!(taken_after(3, None), (false, false));
    }
}
