//! What one request is sent of the context.

use opentelemetry::Context;

use ::http::HeaderMap;

use super::ClientConfig;
use crate::outgoing::{HostPolicy, Outgoing};

/// What a request is sent of the context, set by the application on that request alone, in its extensions.
///
/// It only takes away from what the client's list of hosts allows. In either case nothing is left in the propagator's
/// header fields of what the application put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Propagate {
    /// Nothing.
    No,
    /// The trace, but no baggage.
    WithoutBaggage,
}

impl ClientConfig {
    /// Writes into the headers what this host may be sent with this request.
    pub fn inject(
        &self,
        context: &Context,
        host: &str,
        own: Option<Propagate>,
        headers: &mut HeaderMap,
    ) {
        let nothing = HostPolicy::none;
        let policy = match own {
            None if self.outgoing.is_unrestricted() => {
                return self.propagator.inject(context, headers);
            }
            None => &self.outgoing,
            Some(Propagate::WithoutBaggage) => &self.outgoing.clone().baggage(nothing()),
            Some(Propagate::No) => &Outgoing::default().trace(nothing()).baggage(nothing()),
        };
        policy.inject(&self.propagator, context, host, headers);
    }
}
