//! A route that becomes known after the span was opened.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use http::StatusCode;

use super::blanks;
use super::options::ServerOptions;
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
pub struct RouteSlot(Arc<Slot>);

#[derive(Debug, Default)]
struct Slot {
    route: OnceLock<Box<str>>,
    /// The prefix of a nested service, if a router has seen the request. Empty if the service is not nested.
    prefix: Mutex<Option<Box<str>>>,
}

impl RouteSlot {
    /// Sets the route template that matched, such as `/users/{id}`, never a path. The first call counts.
    pub fn set(&self, route: &str) {
        self.0.route.get_or_init(|| route.into());
    }

    /// Sets the prefix of the nested service that answers, such as `/assets`, or an empty text if it is not nested. The prefix is
    /// the route if no route is set, unless the service does not know the path. The last call counts.
    #[doc(hidden)]
    pub fn set_prefix(&self, prefix: &str) {
        *lock(&self.0.prefix) = Some(prefix.into());
    }

    fn is_seen(&self) -> bool {
        lock(&self.0.prefix).is_some()
    }
}

/// The slot of a request whose route is not known yet.
#[derive(Debug)]
pub(super) struct ExpectedRoute {
    slot: RouteSlot,
    method: RequestMethod,
}

impl ExpectedRoute {
    /// Returns `None` if the route is known.
    pub(super) fn new(
        options: &ServerOptions,
        method: &RequestMethod,
        name: &SpanName,
    ) -> Option<Box<Self>> {
        if name.target.is_some() {
            options.routes.set_known();
            return None;
        }
        Some(Box::new(Self {
            slot: RouteSlot::default(),
            method: method.clone(),
        }))
    }

    pub(super) fn slot(&self) -> &RouteSlot {
        &self.slot
    }

    /// Returns the name of the span with the route, if a router has set the route.
    pub(super) fn name(&self, status: Option<StatusCode>) -> Option<SpanName> {
        let slot = &*self.slot.0;
        if let Some(route) = slot.route.get() {
            return Some(SpanName::from_request(&self.method, Some(route)));
        }
        if matches!(
            status,
            Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED)
        ) {
            return None;
        }
        let prefix = lock(&slot.prefix);
        let prefix = prefix.as_deref().filter(|prefix| !prefix.is_empty())?;
        Some(SpanName::from_request(&self.method, Some(prefix)))
    }

    /// Warns if the route stays unknown for a reason that nothing else reports.
    pub(super) fn check(&self, options: &ServerOptions, status: StatusCode) {
        if options.routes.is_blank(self.method.word(), status) && !self.slot.is_seen() {
            blanks::warn_of_missing_route(status);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
