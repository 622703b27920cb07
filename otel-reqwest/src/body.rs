//! The response's body, which carries the call to its end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body as _, Frame, SizeHint};
use otel_core::client::{ClientCall, End};
use reqwest::{Body, Response, ResponseBuilderExt as _};

use crate::error_type;

type Polled = Poll<Option<Result<Frame<<Body as http_body::Body>::Data>, reqwest::Error>>>;

/// Lets the response's body carry the call to its end.
pub(crate) fn watch_response(response: Response, call: ClientCall) -> Response {
    // The conversion to an `http::Response` drops the URL; a builder alone can put it back.
    let mut url = http::Response::builder().url(response.url().clone());
    let (mut parts, body) = http::Response::from(response).into_parts();
    if let Some(url) = url.extensions_mut() {
        parts.extensions.extend(std::mem::take(url));
    }
    let body = Body::wrap(ResponseBody::new(body, call));
    http::Response::from_parts(parts, body).into()
}

struct ResponseBody {
    inner: Body,
    call: Option<ClientCall>,
}

impl ResponseBody {
    fn new(inner: Body, call: ClientCall) -> Self {
        let mut body = Self {
            inner,
            call: Some(call),
        };
        if body.inner.is_end_stream() {
            body.finish(End::Complete);
        }
        body
    }

    fn finish(&mut self, end: End) {
        if let Some(mut call) = self.call.take() {
            call.finish(end);
        }
    }
}

impl http_body::Body for ResponseBody {
    type Data = <Body as http_body::Body>::Data;
    type Error = reqwest::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let Self { inner, call } = &mut *self;
        let mut step = || Pin::new(&mut *inner).poll_frame(cx);
        let polled = ready!(match call {
            Some(call) => call.watch(step),
            None => step(),
        });
        match &polled {
            None => self.finish(End::Complete),
            Some(Err(error)) => {
                let error_type = error_type::of_body(error);
                self.finish(End::Failed(error_type));
            }
            Some(Ok(frame)) => {
                if let (Some(call), Some(data)) = (&mut self.call, frame.data_ref()) {
                    call.receive(data.len());
                }
                // A reader need not poll again after the last frame.
                if self.inner.is_end_stream() {
                    self.finish(End::Complete);
                }
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
