//! A layer on routes, for a server layer outside their router.

use std::task::{Context, Poll};

use axum::extract::MatchedPath;
use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use crate::server::route_slot::RouteSlot;

/// Tells a [`ServerLayer`](crate::ServerLayer) outside the router which route matched.
///
/// Not needed where the `ServerLayer` is added with [`Router::layer`](axum::Router::layer).
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
        RouteService(inner)
    }
}

/// Hands each request on, after noting its route.
#[derive(Debug, Clone)]
pub struct RouteService<S>(S);

impl<S, B> Service<Request<B>> for RouteService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let extensions = request.extensions();
        if let (Some(slot), Some(route)) = (
            extensions.get::<RouteSlot>(),
            extensions.get::<MatchedPath>(),
        ) {
            slot.set(route.as_str());
        }
        self.0.call(request)
    }
}
