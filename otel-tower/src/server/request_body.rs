//! The size of a request's body.

use http::Request;
use otel_exchange::{BodySizes, content_length};

/// Counts the data of axum's body as the handler reads it.
///
/// A body of another type cannot be wrapped without changing the type of the request, so its `Content-Length` counts.
pub(super) fn count<B: 'static>(sizes: &mut BodySizes, request: &mut Request<B>) {
    #[cfg(feature = "axum")]
    {
        let body: &mut dyn std::any::Any = request.body_mut();
        if let Some(body) = body.downcast_mut::<axum::body::Body>() {
            *body = axum::body::Body::new(counted::CountedBody::new(
                std::mem::take(body),
                sizes.count_request(),
            ));
            return;
        }
    }
    if let Some(length) = content_length(request.headers()) {
        sizes.set_request(length);
    }
}

#[cfg(feature = "axum")]
mod counted {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::task::{Context, Poll, ready};

    use axum::body::{Body, Bytes};
    use http_body::{Frame, SizeHint};

    /// Adds the bytes of its frames to a counter.
    pub(super) struct CountedBody {
        inner: Body,
        count: Arc<AtomicU64>,
    }

    impl CountedBody {
        pub(super) fn new(inner: Body, count: Arc<AtomicU64>) -> Self {
            Self { inner, count }
        }
    }

    impl http_body::Body for CountedBody {
        type Data = Bytes;
        type Error = axum::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
            let polled = ready!(Pin::new(&mut self.inner).poll_frame(cx));
            if let Some(Ok(frame)) = &polled {
                let length = frame.data_ref().map_or(0, Bytes::len);
                self.count.fetch_add(length as u64, Ordering::Relaxed);
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
}
