//! The response body that holds back its end until the flush is done.

use std::fmt;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::flush_panic::{HeldPanic, catch_panic};
use crate::flusher::{Flusher, PendingFlush};

/// What a request decides about the end of its response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protocol {
    is_head: bool,
    is_connect: bool,
    /// The connection marks the end of a body even if its length is known, as in HTTP/2.
    marks_end: bool,
}

impl Protocol {
    pub(crate) fn new<B>(request: &Request<B>) -> Self {
        Self {
            is_head: request.method() == Method::HEAD,
            is_connect: request.method() == Method::CONNECT,
            marks_end: request.version() >= Version::HTTP_2,
        }
    }

    /// Returns `true` if the server will not read the body (RFC 9110, 6.4.1).
    fn has_no_body(self, status: StatusCode, length: Option<u64>) -> bool {
        let is_empty = status.is_informational()
            || status == StatusCode::NO_CONTENT
            || status == StatusCode::NOT_MODIFIED
            || length == Some(0);
        self.is_head || self.is_connect && status.is_success() || is_empty && !self.marks_end
    }
}

pin_project! {
    /// The body of a response of a [`FlushService`](crate::FlushService). It holds back its end until the flush is done.
    pub struct FlushBody<B>
    where
        B: Body,
    {
        // Dropped before the flush, together with its spans.
        #[pin]
        inner: Option<B>,
        // `None` if no signal is exported.
        flusher: Option<Arc<Flusher>>,
        marks_end: bool,
        // The bytes to come, if the length is known. A client of HTTP/1 does not wait for more.
        remaining: Option<u64>,
        flush: Option<PendingFlush>,
        // The frame with the last byte.
        held: Option<Frame<B::Data>>,
        // What follows instead of a plain end: trailers or an error.
        last: Option<Result<Frame<B::Data>, B::Error>>,
        panic: Option<HeldPanic>,
        end: End,
    }
}

/// What a body says about itself after the inner body is gone.
#[derive(Debug)]
struct End {
    size_hint: SizeHint,
    is_end_stream: bool,
}

impl End {
    fn empty() -> Self {
        Self {
            size_hint: SizeHint::with_exact(0),
            is_end_stream: true,
        }
    }
}

impl<B: Body> FlushBody<B> {
    /// Wraps the body of a response. A body that the server will not read is dropped: its SERVER span ends here.
    pub(crate) fn wrap(
        response: Response<B>,
        protocol: Protocol,
        flusher: &Arc<Flusher>,
    ) -> Response<Self> {
        let (head, body) = response.into_parts();
        let size_hint = body.size_hint();
        let is_end_stream = body.is_end_stream();
        let length = content_length(&head.headers).or_else(|| size_hint.exact());
        let flusher = flusher.has_signals().then(|| Arc::clone(flusher));
        let is_over = is_end_stream || protocol.has_no_body(head.status, length);
        let (inner, end) = if is_over && flusher.is_some() {
            // The server derives headers from them.
            let end = End {
                size_hint,
                is_end_stream,
            };
            (None, end)
        } else {
            (Some(body), End::empty())
        };
        let body = Self {
            inner,
            flusher,
            marks_end: protocol.marks_end,
            remaining: length,
            flush: None,
            held: None,
            last: None,
            panic: None,
            end,
        };
        Response::from_parts(head, body)
    }

    /// Returns `true` if the inner body is gone.
    pub(crate) fn is_over(&self) -> bool {
        self.inner.is_none()
    }
}

impl<B: Body> Body for FlushBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        if let Some(mut inner) = this.inner.as_mut().as_pin_mut() {
            let Some(flusher) = this.flusher else {
                return inner.poll_frame(cx);
            };
            loop {
                let Poll::Ready(polled) = catch_panic(|| inner.as_mut().poll_frame(cx)) else {
                    if this.held.is_none() {
                        return Poll::Pending;
                    }
                    if *this.marks_end {
                        // The client waits for the end of the stream, and trailers may follow.
                        return Poll::Ready(this.held.take().map(Ok));
                    }
                    // A server of HTTP/1 would drop the body after the last byte.
                    break;
                };
                match polled {
                    Ok(Some(Ok(frame))) if frame.is_data() => {
                        let bytes = length(&frame);
                        let is_complete = match this.remaining {
                            Some(remaining) => {
                                *remaining = remaining.saturating_sub(bytes);
                                *remaining == 0 && bytes > 0
                            }
                            None => false,
                        };
                        if !is_complete {
                            return Poll::Ready(Some(Ok(frame)));
                        }
                        // More bytes than announced replace the frame before.
                        if let Some(earlier) = this.held.replace(frame) {
                            return Poll::Ready(Some(Ok(earlier)));
                        }
                    }
                    Ok(Some(Ok(frame))) if !frame.is_trailers() => {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                    Ok(last) => {
                        *this.last = last;
                        break;
                    }
                    Err(panic) => {
                        *this.panic = Some(panic);
                        break;
                    }
                }
            }
            this.inner.set(None);
            *this.flush = Some(flusher.start());
        }
        if let Some(flush) = this.flush {
            ready!(Pin::new(flush).poll(cx));
            *this.flush = None;
        }
        *this.end = End::empty();
        if let Some(frame) = this.held.take() {
            return Poll::Ready(Some(Ok(frame)));
        }
        if let Some(panic) = this.panic.take() {
            panic.resume();
        }
        Poll::Ready(this.last.take())
    }

    fn is_end_stream(&self) -> bool {
        match (&self.inner, &self.flusher) {
            (Some(inner), None) => inner.is_end_stream(),
            // The end is not known before the flush.
            (Some(_), Some(_)) => false,
            (None, _) => {
                let is_flushing = self.flush.is_some();
                let has_more = self.held.is_some() || self.last.is_some() || self.panic.is_some();
                !is_flushing && !has_more && self.end.is_end_stream
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        let inner = self.inner.as_ref().map(B::size_hint);
        let rest = inner.as_ref().unwrap_or(&self.end.size_hint);
        let held = self.held.as_ref().map_or(0, length);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(held));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(held)) {
            hint.set_upper(upper);
        }
        hint
    }
}

impl<B: Body + fmt::Debug> fmt::Debug for FlushBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlushBody")
            .field("inner", &self.inner)
            .field("flush", &self.flush)
            .finish_non_exhaustive()
    }
}

/// Returns the length that the head of a response announces.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Returns the bytes in a data frame, and 0 for other frames.
fn length<D: Buf>(frame: &Frame<D>) -> u64 {
    frame.data_ref().map_or(0, |data| data.remaining() as u64)
}
