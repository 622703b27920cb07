//! The size of a request's body.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::Request;

use crate::content_length::content_length;

/// How many bytes a request's body had.
#[derive(Debug)]
pub(crate) enum RequestBodySize {
    /// Counted as the handler reads them.
    Counted(Arc<AtomicU64>),
    /// As the head of the request said.
    Promised(Option<u64>),
}

impl RequestBodySize {
    /// Counts the frames of axum's body. A body of another type cannot be wrapped without changing the type of the
    /// request; its `Content-Length` counts.
    pub(crate) fn of<B: 'static>(request: &mut Request<B>) -> Self {
        match counted(request.body_mut()) {
            Some(count) => Self::Counted(count),
            None => Self::Promised(content_length(request.headers())),
        }
    }

    pub(crate) fn get(&self) -> Option<u64> {
        match self {
            Self::Counted(count) => Some(count.load(Ordering::Relaxed)),
            Self::Promised(length) => *length,
        }
    }
}

#[cfg(feature = "axum")]
fn counted<B: 'static>(body: &mut B) -> Option<Arc<AtomicU64>> {
    let body = (body as &mut dyn std::any::Any).downcast_mut::<axum::body::Body>()?;
    let count = Arc::default();
    *body = axum::body::Body::new(counting::Counting {
        inner: std::mem::take(body),
        count: Arc::clone(&count),
    });
    Some(count)
}

/// Only axum's body can be wrapped in itself.
#[cfg(not(feature = "axum"))]
fn counted<B>(_body: &mut B) -> Option<Arc<AtomicU64>> {
    None
}

#[cfg(feature = "axum")]
mod counting {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::task::{Context, Poll, ready};

    use axum::body::{Body, Bytes};
    use http_body::{Frame, SizeHint};

    /// Adds up the bytes of the frames it hands on.
    pub(super) struct Counting {
        pub(super) inner: Body,
        pub(super) count: Arc<AtomicU64>,
    }

    impl http_body::Body for Counting {
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
