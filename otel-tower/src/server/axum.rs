//! What axum knows of a request: its route, and the URI that the client sent.

use std::task::{Context, Poll};

use axum::extract::{MatchedPath, NestedPath, OriginalUri};
use http::{Extensions, Request, Uri};
use otel_exchange::RequestHead;
use otel_exchange::server::RouteSlot;
use tower_layer::Layer;
use tower_service::Service;

/// Returns the route template that axum's router has matched.
pub(super) fn matched_path<'a>(request: &RequestHead<'a>) -> Option<&'a str> {
    let matched = request.extensions().get::<MatchedPath>()?;
    Some(matched.as_str())
}

/// Returns the URI that the client sent. A nested router removes its prefix from the URI of the request.
pub(super) fn original_uri(extensions: &Extensions) -> Option<&Uri> {
    extensions.get().map(|OriginalUri(uri)| uri)
}

/// Passes the matched route to a [`ServerLayer`](crate::ServerLayer) outside the router.
///
/// It is not needed on routes if the `ServerLayer` is added with [`Router::layer`](axum::Router::layer).
///
/// ```
/// use axum::{Router, routing::get};
/// use otel_tower::{RouteLayer, ServerLayer};
/// use tower::ServiceBuilder;
///
/// let router: Router = Router::new()
///     .route("/users/{id}", get(|| async { "Ada" }))
///     .layer(RouteLayer::new());
/// let service = ServiceBuilder::new().layer(ServerLayer::new()).service(router);
/// # let _ = service;
/// ```
///
/// Around a nested service it reports the path where the service is nested, because axum knows no other route:
///
/// ```
/// use axum::Router;
/// use otel_tower::{RouteLayer, ServerLayer};
/// use tower::Layer as _;
/// # let files = tower::service_fn(|_: axum::extract::Request| async { Ok::<_, std::convert::Infallible>(axum::response::Response::new(axum::body::Body::empty())) });
///
/// let app: Router = Router::new()
///     .nest_service("/assets", RouteLayer::new().layer(files)) // `GET /assets`
///     .layer(ServerLayer::new());
/// # let _ = app;
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct RouteLayer(());

impl RouteLayer {
    /// Makes the layer.
    pub const fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for RouteLayer {
    type Service = RouteService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RouteService::new(inner)
    }
}

/// Forwards each request after passing its route, or the path of its nested service, to the [`ServerLayer`](crate::ServerLayer) outside the router.
#[derive(Debug, Clone)]
pub struct RouteService<S> {
    inner: S,
}

impl<S> RouteService<S> {
    /// Wraps a service.
    pub const fn new(inner: S) -> Self {
        Self { inner }
    }

    crate::inner_accessors!();
}

impl<S, B> Service<Request<B>> for RouteService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let extensions = request.extensions();
        if let Some(slot) = extensions.get::<RouteSlot>() {
            let nested = extensions.get().map_or("", NestedPath::as_str);
            match extensions.get::<MatchedPath>() {
                Some(route) => slot.set(route.as_str()),
                None => slot.set_prefix(nested),
            }
        }
        self.inner.call(request)
    }
}
