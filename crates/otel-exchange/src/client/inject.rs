//! What a request receives of the context.

use http::HeaderMap;
use opentelemetry::Context;
use otel_core::trust::{HostPolicy, OutgoingPolicy};

use super::options::ClientOptions;

/// Restricts what one request receives of the context. The application sets it in the request's extensions.
///
/// It only removes from what the client's policy allows. The propagator's header fields that the application has set on the
/// request are removed in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Propagate {
    /// The request receives nothing.
    No,
    /// The request receives the trace, but no baggage.
    WithoutBaggage,
}

impl ClientOptions {
    /// Removes what this host must not receive from the headers that a client layer further out has injected.
    #[inline]
    pub fn restrict(&self, host: &str, headers: &mut HeaderMap) {
        if !self.is_unrestricted() {
            self.outgoing
                .restrict(&self.common.propagator, host, headers);
        }
    }

    /// Injects what this host may receive into the headers of a request.
    ///
    /// `own` is the [`Propagate`] in the request's extensions.
    #[inline]
    pub fn inject(
        &self,
        context: &Context,
        host: &str,
        own: Option<Propagate>,
        headers: &mut HeaderMap,
    ) {
        let propagator = &self.common.propagator;
        match own {
            None if self.is_unrestricted() => propagator.inject(context, headers),
            None => self.outgoing.inject(propagator, context, host, headers),
            Some(Propagate::WithoutBaggage) => {
                let policy = self.outgoing.clone().baggage(HostPolicy::none());
                policy.inject(propagator, context, host, headers);
            }
            Some(Propagate::No) => {
                let policy = OutgoingPolicy::default()
                    .trace(HostPolicy::none())
                    .baggage(HostPolicy::none());
                policy.inject(propagator, context, host, headers);
            }
        }
    }
}
