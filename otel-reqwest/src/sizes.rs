//! How many bytes the bodies had.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use http_body::{Body as _, Frame, SizeHint};
use opentelemetry::KeyValue;
use otel_core::http::attribute::{HTTP_REQUEST_BODY_SIZE, HTTP_RESPONSE_BODY_SIZE};
use reqwest::{Body, Response};

use crate::end_at::EndAt;

/// The bytes of both bodies, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    sent: Option<Sent>,
    received: Option<u64>,
}

/// Known before the body is sent, or counted while it is.
#[derive(Debug)]
enum Sent {
    Known(u64),
    Counted(Arc<AtomicU64>),
}

impl Sizes {
    pub(crate) fn send(&mut self, body: &mut Option<Body>) {
        self.sent = Some(match body.take() {
            None => Sent::Known(0),
            Some(inner) => match inner.size_hint().exact() {
                Some(size) => {
                    *body = Some(inner);
                    Sent::Known(size)
                }
                None => {
                    let sent = Arc::new(AtomicU64::new(0));
                    let counted = Arc::clone(&sent);
                    *body = Some(Body::wrap(CountedBody { inner, sent }));
                    Sent::Counted(counted)
                }
            },
        });
    }

    /// A body that is read through us is counted as it comes; of another one what its head promises is known.
    pub(crate) fn respond(&mut self, response: &Response, end_at: EndAt) {
        self.received = match end_at {
            EndAt::Body => Some(0),
            EndAt::Headers => response.content_length(),
        };
    }

    pub(crate) fn receive(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.received = self.received.map(|before| before.saturating_add(bytes));
    }

    pub(crate) fn sent(&self) -> Option<u64> {
        match self.sent.as_ref()? {
            Sent::Known(size) => Some(*size),
            Sent::Counted(sent) => Some(sent.load(Ordering::Relaxed)),
        }
    }

    pub(crate) fn received(&self) -> Option<u64> {
        self.received
    }

    pub(crate) fn attributes(&self) -> impl Iterator<Item = KeyValue> {
        let sizes = [
            (HTTP_REQUEST_BODY_SIZE, self.sent()),
            (HTTP_RESPONSE_BODY_SIZE, self.received()),
        ];
        sizes.into_iter().filter_map(|(key, size)| {
            let size = i64::try_from(size?).unwrap_or(i64::MAX);
            Some(KeyValue::new(key, size))
        })
    }
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
