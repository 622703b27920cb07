//! The options of a client.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderValue;
use otel_core::trust::OutgoingPolicy;

use super::url_template::UrlTemplates;
use crate::end_at::EndAt;
use crate::metrics::Metrics;
use crate::options::CommonOptions;

type FindPeer = dyn Fn() -> Option<SocketAddr> + Send + Sync;

/// The options of a client. [`client_options!`](crate::client_options) documents each of them.
#[derive(Clone)]
pub struct ClientOptions {
    pub(super) common: CommonOptions,
    pub(super) outgoing: OutgoingPolicy,
    pub(super) user_agent: Option<HeaderValue>,
    pub(super) templates: UrlTemplates,
    pub(super) find_peer: Option<Arc<FindPeer>>,
}

impl ClientOptions {
    /// Makes the default options. The name is that of the instrumentation, with `_` instead of `-`.
    #[must_use]
    pub fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            common: CommonOptions::new(name, version, EndAt::Headers, Metrics::for_client),
            outgoing: OutgoingPolicy::default(),
            user_agent: None,
            templates: UrlTemplates::default(),
            find_peer: None,
        }
    }

    /// Returns the options that server and client share.
    pub fn common_mut(&mut self) -> &mut CommonOptions {
        &mut self.common
    }

    /// Sets which hosts receive the trace and the baggage.
    pub fn set_outgoing(&mut self, policy: OutgoingPolicy) {
        self.outgoing = policy;
    }

    /// Sets the `User-Agent` of requests that have none, and enables `user_agent.original`.
    pub fn set_user_agent(&mut self, user_agent: HeaderValue) {
        self.user_agent = Some(user_agent);
    }

    /// Adds templates for paths.
    pub fn add_url_templates<T: Into<String>>(&mut self, templates: impl IntoIterator<Item = T>) {
        self.templates.add(templates);
    }

    /// Sets the function that finds the address of the socket's other end, for a client whose responses do not have it. It is
    /// called when the response head is there.
    pub fn set_peer(&mut self, find: impl Fn() -> Option<SocketAddr> + Send + Sync + 'static) {
        self.find_peer = Some(Arc::new(find));
    }

    /// Returns the `User-Agent` of requests that have none.
    #[must_use]
    #[inline]
    pub fn user_agent(&self) -> Option<&HeaderValue> {
        self.user_agent.as_ref()
    }

    /// Returns `true` if every host receives both the trace and the baggage.
    #[must_use]
    #[inline]
    pub fn is_unrestricted(&self) -> bool {
        self.outgoing.is_unrestricted()
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("common", &self.common)
            .field("outgoing", &self.outgoing)
            .finish_non_exhaustive()
    }
}
