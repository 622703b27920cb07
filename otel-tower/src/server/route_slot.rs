//! A route that becomes known further in.

use std::sync::{Arc, OnceLock};

/// Takes the route of a request from a router further in.
///
/// [`ServerLayer`](crate::ServerLayer) puts one into the extensions of each request whose route it does not know, and reads it
/// when the request ends. [`RouteLayer`](crate::RouteLayer) fills it on axum's routes; any other router can do so itself:
///
/// ```
/// # let mut request = http::Request::new(());
/// # request.extensions_mut().insert(otel_tower::RouteSlot::default());
/// if let Some(slot) = request.extensions().get::<otel_tower::RouteSlot>() {
///     slot.set("/users/{id}");
/// }
/// ```
#[derive(Debug, Clone, Default)]
pub struct RouteSlot(Arc<OnceLock<Box<str>>>);

impl RouteSlot {
    /// Says which route matched: a template such as `/users/{id}`, never a path. The first call counts.
    pub fn set(&self, route: &str) {
        self.0.get_or_init(|| route.into());
    }

    pub(crate) fn get(&self) -> Option<&str> {
        self.0.get().map(|route| &**route)
    }
}
