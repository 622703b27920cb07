//! The response body, whose end is the end of the attempt.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body as _, Frame, SizeHint};
use otel_exchange::End;
use otel_exchange::client::Exchange;
use reqwest::{Body, Response, ResponseBuilderExt as _};

use crate::error_type;

type Polled = Poll<Option<Result<Frame<<Body as http_body::Body>::Data>, reqwest::Error>>>;

/// Ends the attempt with the response body.
pub(crate) fn wrap_response(response: Response, exchange: Exchange) -> Response {
    // The conversion to an `http::Response` drops the URL. Only a builder can set it again.
    let mut url = http::Response::builder().url(response.url().clone());
    let (mut parts, body) = http::Response::from(response).into_parts();
    if let Some(url) = url.extensions_mut() {
        parts.extensions.extend(std::mem::take(url));
    }
    let body = Body::wrap(ResponseBody::new(body, exchange));
    http::Response::from_parts(parts, body).into()
}

struct ResponseBody {
    inner: Body,
    exchange: Option<Exchange>,
}

impl ResponseBody {
    fn new(inner: Body, exchange: Exchange) -> Self {
        let mut body = Self {
            inner,
            exchange: Some(exchange),
        };
        if body.inner.is_end_stream() {
            body.finish(End::Complete);
        }
        body
    }

    fn finish(&mut self, end: End) {
        if let Some(mut exchange) = self.exchange.take() {
            exchange.finish(end);
        }
    }
}

impl http_body::Body for ResponseBody {
    type Data = <Body as http_body::Body>::Data;
    type Error = reqwest::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let Self { inner, exchange } = &mut *self;
        let mut step = || Pin::new(&mut *inner).poll_frame(cx);
        let polled = ready!(match exchange {
            Some(exchange) => exchange.run_without_context(step),
            None => step(),
        });
        match &polled {
            None => self.finish(End::Complete),
            Some(Err(error)) => {
                if let Some(exchange) = &self.exchange {
                    let error_type = error_type::from_body_error(exchange, error);
                    self.finish(End::Failed(error_type));
                }
            }
            Some(Ok(frame)) => {
                if let (Some(exchange), Some(data)) = (&mut self.exchange, frame.data_ref()) {
                    exchange.data(data.len());
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
