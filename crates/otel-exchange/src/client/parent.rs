//! The parent of a CLIENT span.

use http::Extensions;
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use otel_core::span_access;

/// The context of the caller, for a request that another task sends. The application sets it in the request's extensions.
///
/// A queue of requests, such as tower's `Buffer`, calls the client in another task. There the caller's context is not active, so
/// the CLIENT span would be the root of another trace. Put this value into the extensions before the request enters the queue. The
/// CLIENT span is then a child of the span that was active there, and the request gets that context's baggage.
///
/// ```
/// use otel_exchange::client::CallParent;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(CallParent::current());
/// ```
#[derive(Debug, Clone)]
pub struct CallParent(Context);

impl CallParent {
    /// Captures the active context. If no span is active there, it is the context of the current `tracing` span.
    #[must_use]
    pub fn current() -> Self {
        Self(active())
    }
}

/// Returns the parent of a new CLIENT span: the [`CallParent`] in the request's extensions, or else the active context, or else the
/// context of the current `tracing` span if no span is active.
#[must_use]
#[inline]
pub fn parent(extensions: &Extensions) -> Context {
    match extensions.get() {
        Some(CallParent(context)) => context.clone(),
        None => active(),
    }
}

fn active() -> Context {
    let active = Context::current();
    if active.has_active_span() {
        return active;
    }
    match span_access::current_context() {
        Some(current) if current.has_active_span() => current,
        _ => active,
    }
}
