//! The size of a request's body.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use http_body::{Body as _, Frame, SizeHint};
use reqwest::Body;

/// Bytes of a request's body: known before it is sent, or counted while it is.
#[derive(Debug)]
pub(crate) enum RequestSize {
    Known(u64),
    Counted(Arc<AtomicU64>),
}

impl RequestSize {
    /// Finds the size of a body, or counts what is sent of it.
    pub(crate) fn of(body: &mut Option<Body>) -> Self {
        let Some(inner) = body.take() else {
            return Self::Known(0);
        };
        if let Some(size) = inner.size_hint().exact() {
            *body = Some(inner);
            return Self::Known(size);
        }
        let sent = Arc::new(AtomicU64::new(0));
        *body = Some(Body::wrap(RequestBody {
            inner,
            sent: Arc::clone(&sent),
        }));
        Self::Counted(sent)
    }

    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Known(size) => *size,
            Self::Counted(sent) => sent.load(Ordering::Relaxed),
        }
    }
}

struct RequestBody {
    inner: Body,
    sent: Arc<AtomicU64>,
}

impl http_body::Body for RequestBody {
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
