//! The request's body: its size, and whether the client left before its end.

use http::Request;
use otel_exchange::content_length;
use otel_exchange::server::Exchange;

/// Watches axum's body while the handler reads it.
///
/// A body of another type cannot be wrapped without changing the type of the request, so only its `Content-Length` is known.
#[inline]
pub(super) fn watch<B: 'static>(exchange: &mut Exchange, request: &mut Request<B>) {
    #[cfg(feature = "axum")]
    {
        let body: &mut dyn std::any::Any = request.body_mut();
        if let Some(body) = body.downcast_mut::<axum::body::Body>() {
            let exact = watched::watch(exchange, body);
            if let Some(sizes) = exchange.sizes() {
                // A layer outside may have taken the body that the client has sent.
                let of_body = exact.filter(|bytes| *bytes > 0);
                let announced = of_body.or_else(|| content_length(request.headers()));
                sizes.announce_request(announced.or(exact));
            }
            return;
        }
    }
    if let Some(sizes) = exchange.sizes() {
        sizes.announce_request(content_length(request.headers()));
    }
}

#[cfg(feature = "axum")]
mod watched {
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use axum::BoxError;
    use axum::body::{Body, Bytes};
    use http_body::{Body as _, Frame, SizeHint};
    use otel_exchange::RequestBodyProgress;
    use otel_exchange::server::Exchange;

    use crate::server::disconnect::is_disconnect;

    /// Wraps a body unless it is at its end. Returns its length, if the body knows it.
    pub(super) fn watch(exchange: &mut Exchange, body: &mut Body) -> Option<u64> {
        // Most requests have no body, and cost nothing more.
        if body.is_end_stream() {
            return Some(0);
        }
        let exact = body.size_hint().exact();
        if let Some(progress) = exchange.watch_request_body() {
            let inner = std::mem::take(body);
            *body = Body::new(WatchedBody { inner, progress });
        }
        exact
    }

    /// Reports its frames and its end.
    struct WatchedBody {
        inner: Body,
        progress: RequestBodyProgress,
    }

    impl http_body::Body for WatchedBody {
        type Data = Bytes;
        // The error inside axum's: `Body::new` wraps it again, and an extractor finds the error of a limit only at its usual depth.
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            let polled = ready!(Pin::new(&mut self.inner).poll_frame(cx));
            let is_left = |error: &axum::Error| is_disconnect(error);
            self.progress.frame(&self.inner, polled.as_ref(), is_left);
            Poll::Ready(polled.map(|frame| frame.map_err(axum::Error::into_inner)))
        }

        fn is_end_stream(&self) -> bool {
            self.inner.is_end_stream()
        }

        fn size_hint(&self) -> SizeHint {
            self.inner.size_hint()
        }
    }
}
