//! The size of a request's body.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body as _, Frame, SizeHint};
use otel_exchange::{BodySizes, RequestBodyProgress, content_length};
use reqwest::{Body, Request};

/// Sets the size of a body, or counts its bytes while it is sent.
pub(crate) fn count(sizes: &mut BodySizes, request: &mut Request) {
    let Some(body) = request.body() else {
        return sizes.announce_request(Some(0));
    };
    let exact = body.size_hint().exact();
    sizes.announce_request(exact.or_else(|| content_length(request.headers())));
    if exact.is_none() {
        if let Some(inner) = request.body_mut().take() {
            let progress = RequestBodyProgress::default();
            sizes.count_request(progress.clone());
            *request.body_mut() = Some(Body::wrap(CountedBody { inner, progress }));
        }
    }
}

/// A request body whose bytes are counted as they are sent.
struct CountedBody {
    inner: Body,
    progress: RequestBodyProgress,
}

impl http_body::Body for CountedBody {
    type Data = <Body as http_body::Body>::Data;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let polled = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        // If the body fails, its source has failed, not the peer.
        self.progress.frame(&self.inner, polled.as_ref(), |_| false);
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
