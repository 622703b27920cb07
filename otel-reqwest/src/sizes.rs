//! The size of a request's body.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use http_body::{Body as _, Frame, SizeHint};
use otel_exchange::BodySizes;
use reqwest::Body;

/// Sets the size of a body, or counts its bytes while it is sent.
pub(crate) fn count(sizes: &mut BodySizes, body: &mut Option<Body>) {
    let Some(inner) = body.take() else {
        return sizes.set_request(0);
    };
    *body = Some(match inner.size_hint().exact() {
        Some(size) => {
            sizes.set_request(size);
            inner
        }
        None => {
            let sent = sizes.count_request();
            Body::wrap(CountedBody { inner, sent })
        }
    });
}

/// A request body whose bytes are counted as they are sent.
struct CountedBody {
    inner: Body,
    sent: Arc<AtomicU64>,
}

impl http_body::Body for CountedBody {
    type Data = <Body as http_body::Body>::Data;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let polled = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(data) = polled.as_ref().and_then(|it| it.as_ref().ok()?.data_ref()) {
            let bytes = u64::try_from(data.len()).unwrap_or(u64::MAX);
            self.sent.fetch_add(bytes, Ordering::Relaxed);
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
