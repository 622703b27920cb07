//! What one request is sent of the context.

use std::mem;
use std::sync::Once;

use http::Extensions;
use opentelemetry::Context;
use otel_core::outgoing::{HostPolicy, Outgoing};
use reqwest::Request;

use crate::config::Config;
use crate::redirect::Redirects;

/// What a request is sent of the context, set by the application on that request alone.
///
/// It only takes away from what [`outgoing`](crate::ClientMiddleware::outgoing) allows. In either case nothing is left
/// in the propagator's header fields of what the application put there.
///
/// ```
/// use otel_reqwest::Propagate;
///
/// # async fn example() -> Result<(), reqwest_middleware::Error> {
/// let client = otel_reqwest::wrap(reqwest::Client::new());
/// let request = client.get("https://partner.example/");
/// let response = request.with_extension(Propagate::No).send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Propagate {
    /// Nothing.
    No,
    /// The trace, but no baggage.
    WithoutBaggage,
}

/// Writes into the headers what the request's host may be sent with this request.
pub(crate) fn inject(
    config: &Config,
    context: &Context,
    request: &mut Request,
    extensions: &Extensions,
) {
    let own: Option<&Propagate> = extensions.get();
    if own.is_none() && config.outgoing.is_unrestricted() {
        return config.propagator.inject(context, request.headers_mut());
    }
    let policy = match own {
        None if is_safe(config) => config.outgoing.clone(),
        Some(Propagate::WithoutBaggage) if is_safe(config) => {
            config.outgoing.clone().baggage(HostPolicy::none())
        }
        _ => Outgoing::default()
            .trace(HostPolicy::none())
            .baggage(HostPolicy::none()),
    };
    // The headers are borrowed apart from the URL.
    let mut headers = mem::take(request.headers_mut());
    let host = request.url().host_str().unwrap_or_default();
    policy.inject(&config.propagator, context, host, &mut headers);
    *request.headers_mut() = headers;
}

/// A client that follows redirects by itself carries the header fields to hosts that the policy has not seen.
fn is_safe(config: &Config) -> bool {
    static ONCE: Once = Once::new();
    let is_safe = config.outgoing.is_unrestricted() || config.redirects != Redirects::ByClient;
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
