//! The route of a request that is not known when it comes.

use http::Extensions;
use otel_core::http::RequestMethod;

use crate::server::observed::Observed;
use crate::server::route_slot::RouteSlot;
use crate::server::span_name::SpanName;

/// Waits for a router further in.
#[derive(Debug)]
pub(crate) struct LateRoute {
    slot: RouteSlot,
    method: RequestMethod,
    is_taken: bool,
}

impl LateRoute {
    /// `None` where the route is known, and for a call of gRPC, which has none.
    pub(crate) fn expected(observed: &Observed<'_>) -> Option<Box<Self>> {
        if observed.name.route.is_some() || observed.grpc.is_some() {
            return None;
        }
        let outer = observed.request.extensions().get::<RouteSlot>();
        Some(Box::new(Self {
            slot: outer.cloned().unwrap_or_default(),
            method: observed.method.clone(),
            is_taken: false,
        }))
    }

    pub(crate) fn hand_out(&self, extensions: &mut Extensions) {
        extensions.insert(self.slot.clone());
    }

    /// The name that the span has with the route, once a router has told it. It is handed out once.
    pub(crate) fn take(&mut self) -> Option<SpanName> {
        let route = self.slot.get().filter(|_| !self.is_taken)?;
        self.is_taken = true;
        Some(SpanName::of(&self.method, Some(route)))
    }
}
