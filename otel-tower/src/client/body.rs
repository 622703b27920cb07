//! The response body: frames come in until the last, an error, or a drop.

use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};

use bytes::Buf as _;
use http_body::{Body, Frame, SizeHint};
use otel_core::client::{ClientCall, End};
use pin_project_lite::pin_project;

use crate::client::{error_type, grpc_error};

pin_project! {
    /// The body of a [`ClientService`](crate::ClientService)'s response: ends the CLIENT span with its last frame, where that
    /// is its end.
    #[derive(Debug)]
    pub struct ClientBody<B> {
        #[pin]
        inner: B,
        // Dropped before its end, it is an end of its own.
        call: Option<ClientCall>,
    }
}

impl<B: Body> ClientBody<B> {
    pub(super) fn new(inner: B, mut call: ClientCall) -> Self {
        let is_over = inner.is_end_stream();
        if is_over {
            call.finish(End::Complete);
        }
        Self {
            inner,
            call: (!is_over).then_some(call),
        }
    }
}

impl<B> ClientBody<B> {
    pub(super) fn untraced(inner: B) -> Self {
        Self { inner, call: None }
    }
}

impl<B: Default> Default for ClientBody<B> {
    /// An empty body outside any request, as `TimeoutLayer` makes them.
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
        let polled = ready!(match this.call {
            Some(call) => call.watch(step),
            None => step(),
        });
        if let Some(call) = this.call {
            let end = match &polled {
                None => Some(End::Complete),
                Some(Err(error)) => {
                    grpc_error::note(call, error);
                    Some(End::Failed(error_type::of_body(error)))
                }
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        call.receive(data.remaining());
                    }
                    if let Some(trailers) = frame.trailers_ref() {
                        call.trailers(trailers);
                    }
                    // A reader need not poll again after the last frame.
                    let is_last = frame.is_trailers() || this.inner.is_end_stream();
                    is_last.then_some(End::Complete)
                }
            };
            if let Some(end) = end {
                call.finish(end);
                *this.call = None;
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
