//! The options of a server.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{Extensions, HeaderName, Uri};
use otel_core::RequestHead;
use otel_core::trust::TrustPolicy;

use super::route_watch::RouteWatch;
use super::span_text::SpanText;
use super::trace_header::TraceHeader;
use super::trusted_proxies::TrustedProxies;
use crate::end_at::EndAt;
use crate::metrics::Metrics;
use crate::options::CommonOptions;
use crate::response_head::ResponseHead;

type FindUri = for<'a> fn(&'a Extensions) -> Option<&'a Uri>;
type FindRoute = dyn for<'a> Fn(&RequestHead<'a>) -> Option<&'a str> + Send + Sync;
type FindPeer = dyn Fn(&RequestHead<'_>) -> Option<SocketAddr> + Send + Sync;
type MakeSpan = fn(&SpanText<'_>) -> tracing::Span;
type DecideEnd = dyn Fn(&RequestHead<'_>, &ResponseHead<'_>) -> EndAt + Send + Sync;

/// The options of a server. `otel_tower::ServerLayer` documents each of them.
#[derive(Clone)]
pub struct ServerOptions {
    pub(super) common: CommonOptions,
    pub(super) make_tracing_span: Option<MakeSpan>,
    pub(super) trust: TrustPolicy,
    pub(super) force_sampling_header: Option<HeaderName>,
    pub(super) find_uri: Option<FindUri>,
    pub(super) find_route: Option<Arc<FindRoute>>,
    pub(super) routes: RouteWatch,
    pub(super) find_peer: Option<Arc<FindPeer>>,
    pub(super) proxies: TrustedProxies,
    pub(super) https: bool,
    pub(super) client_port: bool,
    pub(super) grpc_client_address: bool,
    pub(super) network_transport: Option<Cow<'static, str>>,
    pub(super) decide_end: Option<Arc<DecideEnd>>,
    pub(super) trace_headers: Vec<TraceHeader>,
    pub(super) cancelled_is_error: Option<bool>,
}

impl ServerOptions {
    /// Makes the default options. The name is that of the instrumentation, with `_` instead of `-`.
    #[must_use]
    pub fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            common: CommonOptions::new(name, version, EndAt::Body, Metrics::for_server),
            make_tracing_span: None,
            trust: TrustPolicy::default(),
            force_sampling_header: None,
            find_uri: None,
            find_route: None,
            routes: RouteWatch::default(),
            find_peer: None,
            proxies: TrustedProxies::default(),
            https: false,
            client_port: false,
            grpc_client_address: false,
            network_transport: None,
            decide_end: None,
            trace_headers: Vec::new(),
            cancelled_is_error: None,
        }
    }

    /// Returns the options that server and client share.
    pub fn common_mut(&mut self) -> &mut CommonOptions {
        &mut self.common
    }

    /// Sets the function that makes the `tracing` span of a request, with
    /// [`server_span!`](crate::server_span). By default, or with `None`, no `tracing` span is made.
    pub fn set_tracing_span(&mut self, make: Option<fn(&SpanText<'_>) -> tracing::Span>) {
        self.make_tracing_span = make;
    }

    /// Sets whose trace and baggage are adopted.
    pub fn set_trust(&mut self, policy: TrustPolicy) {
        self.trust = policy;
    }

    /// Sets the header that samples a request.
    pub fn set_force_sampling_header(&mut self, name: HeaderName) {
        self.force_sampling_header = Some(name);
    }

    /// Sets the function that finds the URI as the client sent it, in the extensions of a request whose URI a router has changed.
    /// By default, or if the function returns `None`, the URI of the request is used.
    pub fn set_uri(&mut self, find: for<'a> fn(&'a Extensions) -> Option<&'a Uri>) {
        self.find_uri = Some(find);
    }

    /// Sets the function that finds the route template of a request.
    pub fn set_route(
        &mut self,
        find: impl for<'a> Fn(&RequestHead<'a>) -> Option<&'a str> + Send + Sync + 'static,
    ) {
        self.find_route = Some(Arc::new(find));
    }

    /// Sets the function that finds the address of the socket's other end.
    pub fn set_peer(
        &mut self,
        find: impl Fn(&RequestHead<'_>) -> Option<SocketAddr> + Send + Sync + 'static,
    ) {
        self.find_peer = Some(Arc::new(find));
    }

    /// Sets the proxies whose forwarding headers are trusted.
    pub fn set_trusted_proxies(&mut self, proxies: TrustedProxies) {
        self.proxies = proxies;
    }

    /// Marks the server as terminating TLS.
    pub fn set_https(&mut self) {
        self.https = true;
    }

    /// Enables `client.port`.
    pub fn enable_client_port(&mut self) {
        self.client_port = true;
    }

    /// Enables `client.address` on the spans of gRPC calls.
    pub fn enable_grpc_client_address(&mut self) {
        self.grpc_client_address = true;
    }

    /// Sets `network.transport`.
    pub fn set_network_transport(&mut self, transport: impl Into<Cow<'static, str>>) {
        self.network_transport = Some(transport.into());
    }

    /// Sets the function that decides when the span of a request ends.
    pub fn set_end_by(
        &mut self,
        decide: impl Fn(&RequestHead<'_>, &ResponseHead<'_>) -> EndAt + Send + Sync + 'static,
    ) {
        self.decide_end = Some(Arc::new(decide));
    }

    /// Adds a response header that names the trace.
    pub fn add_trace_header(&mut self, header: TraceHeader) {
        self.trace_headers.push(header);
    }

    /// Sets whether a cancelled request is an error.
    pub fn set_cancelled_is_error(&mut self, is_error: bool) {
        self.cancelled_is_error = Some(is_error);
    }

    /// Returns `true` if a function of the application sees the heads of requests.
    #[inline]
    pub(super) fn sees_heads(&self) -> bool {
        let is_seen = self.common.has_skip() || self.common.has_hooks();
        is_seen
            || self.decide_end.is_some()
            || self.common.attributes_for_sampler
            || self.trust.sees_heads()
    }

    /// Returns `true` if a copy of the request head is needed after the start.
    pub(super) fn needs_request_copy(&self) -> bool {
        self.decide_end.is_some() || self.common.has_late_hooks()
    }
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerOptions")
            .field("common", &self.common)
            .field("trust", &self.trust)
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}
