//! What a request receives of the context.

use std::sync::Once;

use http::Extensions;
use opentelemetry::Context;
use otel_exchange::client::{ClientOptions, Propagate};
use reqwest::Request;

use crate::redirect::Redirects;

/// Injects what the host may receive into the headers of the request.
pub(crate) fn inject(
    options: &ClientOptions,
    redirects: Redirects,
    context: &Context,
    request: &mut Request,
    extensions: &Extensions,
) {
    let mut own: Option<Propagate> = extensions.get().copied();
    if own.is_none() && options.is_unrestricted() {
        return options.inject(context, "", None, request.headers_mut());
    }
    if !is_safe(options, redirects) {
        own = Some(Propagate::No);
    }
    let host = request.url().host_str().unwrap_or_default().to_owned();
    options.inject(context, &host, own, request.headers_mut());
}

/// Removes what the host must not receive from the headers that a middleware further out has injected.
pub(crate) fn restrict(options: &ClientOptions, redirects: Redirects, request: &mut Request) {
    let host = request.url().host_str().unwrap_or_default().to_owned();
    let headers = request.headers_mut();
    if is_safe(options, redirects) {
        options.restrict(&host, headers);
    } else {
        options.inject(&Context::new(), &host, Some(Propagate::No), headers);
    }
}

/// A client that follows redirects itself sends the headers to hosts that the policy has not checked.
fn is_safe(options: &ClientOptions, redirects: Redirects) -> bool {
    static ONCE: Once = Once::new();
    let is_safe = options.is_unrestricted() || redirects != Redirects::ByClient;
    if !is_safe {
        ONCE.call_once(|| {
            tracing::warn!(
                name: "context_not_sent",
                { event.name = "context_not_sent" },
                "no context is injected: a list of hosts needs a client that does not follow redirects itself; \
                 make it with ClientMiddleware::build"
            );
        });
    }
    is_safe
}
