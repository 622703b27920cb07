//! How often a request was sent before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::Extensions;

/// Counts how often one request is sent, whichever layer resends it, for `http.request.resend_count`.
///
/// A [`ClientLayer`](crate::ClientLayer) sees each attempt, but not that two of them are one request. A layer outside the one
/// that resends puts a counter into the request's extensions; its clones, which the copies of the request have, share the
/// count:
///
/// ```
/// use http::Request;
/// use otel_tower::{ClientLayer, ResendCount};
/// use tower::ServiceBuilder;
/// # use tower::retry::Policy;
/// # #[derive(Clone)] struct Twice;
/// # impl<P, R, E> Policy<Request<()>, P, E> for Twice {
/// #     type Future = std::future::Ready<()>;
/// #     fn retry(&mut self, _: &mut Request<()>, _: &mut Result<P, E>) -> Option<Self::Future> { None }
/// #     fn clone_request(&mut self, request: &Request<()>) -> Option<Request<()>> { Some(request.clone()) }
/// # }
/// # let client = tower::service_fn(|_: Request<()>| async { Ok::<_, std::io::Error>(http::Response::new(String::new())) });
/// # let retry_policy = Twice;
///
/// let client = ServiceBuilder::new()
///     .map_request(|mut request: Request<()>| {
///         request.extensions_mut().insert(ResendCount::default());
///         request
///     })
///     .retry(retry_policy)
///     .layer(ClientLayer::new())
///     .service(client);
/// ```
#[derive(Debug, Clone, Default)]
pub struct ResendCount(Arc<AtomicU32>);

/// Counts one attempt, and returns how many there were before.
pub(super) fn count(extensions: &Extensions) -> u32 {
    let before = |ResendCount(count): &ResendCount| count.fetch_add(1, Ordering::Relaxed);
    extensions.get().map_or(0, before)
}
