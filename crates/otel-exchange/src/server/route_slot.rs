//! A route that becomes known after the span was opened.

use std::sync::{Arc, OnceLock};

use super::request_info::RequestInfo;
use crate::conventions::http::RequestMethod;
use crate::span_name::SpanName;

/// Receives the route of a request from a router behind the layer.
///
/// The exchange puts a slot into the extensions of each request whose route it does not know, and reads it at the response head
/// and at the end of the request. `otel_tower::RouteLayer` fills the slot on axum's routes. Any other router can do so itself:
///
/// ```
/// # let mut request = http::Request::new(());
/// # request.extensions_mut().insert(otel_exchange::server::RouteSlot::default());
/// if let Some(slot) = request.extensions().get::<otel_exchange::server::RouteSlot>() {
///     slot.set("/users/{id}");
/// }
/// ```
#[derive(Debug, Clone, Default)]
pub struct RouteSlot(Arc<OnceLock<Box<str>>>);

impl RouteSlot {
    /// Sets the route template that matched, such as `/users/{id}`, never a path. The first call counts.
    pub fn set(&self, route: &str) {
        self.0.get_or_init(|| route.into());
    }

    fn get(&self) -> Option<&str> {
        self.0.get().map(|route| &**route)
    }
}

/// The slot of a request whose route is not known yet.
#[derive(Debug)]
pub(super) struct ExpectedRoute {
    slot: RouteSlot,
    method: RequestMethod,
}

impl ExpectedRoute {
    /// Returns `None` if the route is known, and for a gRPC call, which has no route.
    pub(super) fn new(info: &RequestInfo<'_>) -> Option<Box<Self>> {
        if info.name.target.is_some() || info.grpc.is_some() {
            return None;
        }
        let outer = info.head.extensions().get::<RouteSlot>();
        Some(Box::new(Self {
            slot: outer.cloned().unwrap_or_default(),
            method: info.method.clone(),
        }))
    }

    pub(super) fn slot(&self) -> &RouteSlot {
        &self.slot
    }

    /// Returns the name of the span with the route, if a router has set the route.
    pub(super) fn name(&self) -> Option<SpanName> {
        let route = self.slot.get()?;
        Some(SpanName::from_request(&self.method, Some(route)))
    }
}
