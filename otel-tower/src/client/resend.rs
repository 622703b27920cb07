//! The number of earlier attempts of a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::Extensions;

/// Counts the attempts of one request, whichever layer retries it, for `http.request.resend_count`.
///
/// A [`ClientLayer`](crate::ClientLayer) sees each attempt, but cannot know that two attempts belong to one request. Therefore a
/// layer outside the one that retries puts a counter into the request's extensions. Its clones share the count:
///
/// ```
/// use http::Request;
/// use otel_tower::{ClientLayer, ResendCount};
/// use tower::ServiceBuilder;
/// # use http::Response;
/// # use tower::retry::Policy;
/// # #[derive(Clone)] struct Never;
/// # impl<B, E> Policy<Request<String>, Response<B>, E> for Never {
/// #     type Future = std::future::Ready<()>;
/// #     fn retry(&mut self, _: &mut Request<String>, _: &mut Result<Response<B>, E>) -> Option<Self::Future> { None }
/// #     fn clone_request(&mut self, request: &Request<String>) -> Option<Request<String>> { Some(request.clone()) }
/// # }
/// # let answer = |_: Request<String>| async { Ok::<_, std::io::Error>(Response::new(String::new())) };
/// # let (client, retry_policy) = (tower::service_fn(answer), Never);
///
/// let client = ServiceBuilder::new()
///     .map_request(|mut request: Request<String>| {
///         request.extensions_mut().insert(ResendCount::default());
///         request
///     })
///     .retry(retry_policy)
///     .layer(ClientLayer::new())
///     .service(client);
/// # async fn send(client: impl tower::Service<Request<String>>, request: Request<String>) { let _ = tower::ServiceExt::oneshot(client, request).await; }
/// # let _ = send(client, Request::new(String::new()));
/// ```
#[derive(Debug, Clone, Default)]
pub struct ResendCount(Arc<AtomicU32>);

/// Counts one attempt. Returns the number of earlier attempts.
pub(super) fn count(extensions: &Extensions) -> u32 {
    match extensions.get() {
        Some(ResendCount(count)) => count.fetch_add(1, Ordering::Relaxed),
        None => 0,
    }
}
