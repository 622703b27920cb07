//! What one request is sent of the context.

use std::mem;
use std::sync::Once;

use http::Extensions;
use opentelemetry::Context;
use otel_core::client::{ClientConfig, Propagate};
use reqwest::Request;

use crate::redirect::Redirects;

/// Writes into the headers what the request's host may be sent with this request.
pub(crate) fn inject(
    config: &ClientConfig,
    redirects: Redirects,
    context: &Context,
    request: &mut Request,
    extensions: &Extensions,
) {
    let mut own: Option<Propagate> = extensions.get().copied();
    if own.is_none() && config.outgoing.is_unrestricted() {
        // Moving the headers out and back costs a fifth of all this.
        return config.propagator.inject(context, request.headers_mut());
    }
    if !is_safe(config, redirects) {
        own = Some(Propagate::No);
    }
    // The headers are borrowed apart from the URL.
    let mut headers = mem::take(request.headers_mut());
    let host = request.url().host_str().unwrap_or_default();
    config.inject(context, host, own, &mut headers);
    *request.headers_mut() = headers;
}

/// A client that follows redirects by itself carries the header fields to hosts that the policy has not seen.
fn is_safe(config: &ClientConfig, redirects: Redirects) -> bool {
    static ONCE: Once = Once::new();
    let is_safe = config.outgoing.is_unrestricted() || redirects != Redirects::ByClient;
    if !is_safe {
        ONCE.call_once(|| {
            tracing::warn!(
                "no context is sent: a list of hosts needs a client that does not follow redirects by itself; \
                 make it with ClientMiddleware::build"
            );
        });
    }
    is_safe
}
