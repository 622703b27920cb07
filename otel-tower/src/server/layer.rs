//! The layer: the options of a server.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderName;
#[cfg(feature = "tonic")]
use otel_exchange::conventions::rpc::DescriptorSetError;
use otel_exchange::conventions::rpc::RpcMethods;
use otel_exchange::server::{ServerOptions, TraceHeader, TrustedProxies};
use otel_exchange::trust::TrustPolicy;
use otel_exchange::{CommonOptions, EndAt, RequestHead, ResponseHead};
use tower_layer::Layer;

use super::default_options::default_options;
use super::service::ServerService;

/// Opens a SERVER span for every request of the service it wraps.
///
/// See the [crate docs](crate) for an example. All services of a layer share its options. If a function that is given to the
/// layer panics, the panic is caught and the request continues as if the function were not set.
#[derive(Debug, Clone)]
#[must_use]
pub struct ServerLayer {
    options: Arc<ServerOptions>,
}

impl Default for ServerLayer {
    fn default() -> Self {
        Self {
            options: Arc::new(default_options()),
        }
    }
}

impl ServerLayer {
    /// Makes a layer that uses the global tracer provider, meter provider and propagator.
    ///
    /// They are looked up when requests arrive, so they can be set after the layer was made.
    pub fn new() -> Self {
        Self::default()
    }

    otel_exchange::common_options!("otel_tower", "otel_tower::ServerLayer::new()");

    /// Opens every span through the OpenTelemetry API only. By default the span is also a `tracing` span if a subscriber enables
    /// it.
    ///
    /// This costs about four fifths of the default. The context is still active in the handler. But `tracing::Span::current()` is not the
    /// request's span, so a task that the handler spawns with `.in_current_span()` has no parent.
    pub fn without_tracing_span(self) -> Self {
        self.with(|options| options.set_tracing_span(None))
    }

    /// Makes SERVER spans of gRPC calls, which are POST requests over HTTP/2 with gRPC's `content-type`. Other requests do not
    /// change.
    ///
    /// Name and attributes follow the [RPC conventions](https://opentelemetry.io/docs/specs/semconv/rpc/) of version 1.45.0. The
    /// span covers the complete call, up to the status in the trailers. The codes that are failures of the
    /// server are errors: `UNKNOWN`, `DEADLINE_EXCEEDED`, `UNIMPLEMENTED`, `INTERNAL`, `UNAVAILABLE` and `DATA_LOSS`. A cancelled
    /// call is `CANCELLED`, or `DEADLINE_EXCEEDED` if the time of `grpc-timeout` has passed. The last twentieth of that time, and
    /// at least the last five milliseconds, count as passed, because the caller's clock may run out first.
    ///
    /// An untrusted client can name any method, so a method is known only after its handler has answered it, up to 1,024 methods.
    /// An answer is a message, or a code that only a handler sends (not `UNAUTHENTICATED`, `UNAVAILABLE` or `INTERNAL`), in a
    /// response with gRPC's `content-type`. Until then `rpc.method` is set at the end of the call. The `rpc.method` of an unknown
    /// method is `_OTHER`, and its span's name is `grpc`. [`grpc_methods`](Self::grpc_methods) and, with the feature `tonic`,
    /// `grpc_descriptor_set` set the known methods.
    ///
    /// If the method is not known, the response decides as well: without gRPC's `content-type` or `grpc-status` the request is
    /// traced and measured as HTTP. A sampler does not see the `rpc.*` attributes of such a request.
    ///
    /// For gRPC-Web, put this layer inside the layer that translates it, and set the version to HTTP/2 in between. The guide
    /// `docs/grpc-and-tower-clients.md` has an example.
    ///
    /// ```
    /// use otel_tower::ServerLayer;
    ///
    /// let server = tonic::transport::Server::builder().layer(ServerLayer::new().grpc());
    /// # let _ = server;
    /// ```
    pub fn grpc(self) -> Self {
        self.common(|common| common.set_rpc_methods(RpcMethods::answered()))
    }

    /// Makes SERVER spans of gRPC calls as [`grpc`](Self::grpc) does, and sets the known methods, each as
    /// `package.Service/Method`. A second call replaces the list.
    pub fn grpc_methods<M: AsRef<str>>(self, methods: impl IntoIterator<Item = M>) -> Self {
        self.common(|common| common.set_rpc_methods(RpcMethods::only(methods)))
    }

    /// Makes SERVER spans of gRPC calls as [`grpc`](Self::grpc) does, and adds the methods of an encoded `FileDescriptorSet` to the
    /// known methods: those that `file_descriptor_set_path` of tonic-prost-build writes, and `protoc --descriptor_set_out`.
    ///
    /// Any other method is `_OTHER`. A further call adds a set, also to the list of [`grpc_methods`](Self::grpc_methods).
    ///
    /// # Errors
    ///
    /// Fails if the bytes are not a descriptor set, or if they describe no method.
    ///
    /// ```
    /// # // `shop.Pricing` with the method `Quote`
    /// # const FILE_DESCRIPTOR_SET: &[u8] = b"\x0a\x1a\x12\x04shop\x32\x12\x0a\x07Pricing\x12\x07\x0a\x05Quote";
    /// // const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("shop");
    /// let layer = otel_tower::ServerLayer::new().grpc_descriptor_set(FILE_DESCRIPTOR_SET)?;
    /// # let _ = layer;
    /// # Ok::<(), otel_tower::DescriptorSetError>(())
    /// ```
    #[cfg(feature = "tonic")]
    pub fn grpc_descriptor_set(self, encoded: &[u8]) -> Result<Self, DescriptorSetError> {
        let methods = RpcMethods::from_descriptor_set(encoded)?;
        Ok(self.common(|common| common.add_rpc_methods(methods)))
    }

    /// Records `client.address` on the SERVER spans of gRPC calls, with the rules of HTTP requests. By default it is not recorded,
    /// because the RPC conventions do not have it since version 1.41.0.
    pub fn grpc_client_address(self) -> Self {
        self.with(ServerOptions::enable_grpc_client_address)
    }

    /// Sets whose trace and baggage are adopted. By default every caller's. A second call replaces the policy.
    ///
    /// ```
    /// use otel_tower::{ServerLayer, trust::Trust};
    ///
    /// // at a public edge: a new trace that links to the caller's
    /// let layer = ServerLayer::new().trust(Trust::Link);
    /// // behind a front end that sends `-00` with nine of ten requests: the caller's trace, and a sampling decision of our own
    /// let layer = ServerLayer::new().trust(Trust::Resample);
    /// ```
    pub fn trust(self, policy: impl Into<TrustPolicy>) -> Self {
        self.with(|options| options.set_trust(policy.into()))
    }

    /// Sets a header that samples a request, whatever the sampler's ratio is. By default no header does.
    ///
    /// - Any value counts, except an empty value, `0` and `false`.
    /// - The header is ignored if the [trust policy](Self::trust) does not continue the caller's trace. It also samples a request
    ///   without a trace.
    /// - Services behind this one sample the trace too, if their samplers follow the caller's decision.
    ///
    /// The debug flag of B3 (`b3: …-d`, `X-B3-Flags: 1`) does the same without this option, if the propagator reads B3.
    ///
    /// It works with every sampler if `otel_setup` has installed the sampler, or if the sampler of your own provider is inside
    /// `otel_setup::RequestSampler`. Without them it works with the SDK's `Sampler::ParentBased`. A second call replaces the header.
    ///
    /// ```
    /// use http::HeaderName;
    /// use otel_tower::ServerLayer;
    ///
    /// let layer = ServerLayer::new().force_sampling_header(HeaderName::from_static("x-debug-trace"));
    /// ```
    pub fn force_sampling_header(self, name: HeaderName) -> Self {
        self.with(|options| options.set_force_sampling_header(name))
    }

    /// Sets a function that decides for each request when its span ends. It runs when the response head is there.
    ///
    /// By default [`end_at`](Self::end_at) decides. A second call replaces the function.
    ///
    /// ```
    /// use otel_tower::{EndAt, ServerLayer};
    ///
    /// // an event stream stays open for hours
    /// let layer = ServerLayer::new().end_at_by(|_request, response| {
    ///     match response.headers().get("content-type") {
    ///         Some(kind) if kind == "text/event-stream" => EndAt::Headers,
    ///         _ => EndAt::Body,
    ///     }
    /// });
    /// ```
    pub fn end_at_by(
        self,
        decide: impl Fn(&RequestHead<'_>, &ResponseHead<'_>) -> EndAt + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.set_end_by(decide))
    }

    /// Sets the function that finds the route. By default axum's `MatchedPath` is used.
    ///
    /// The function must return a template such as `/users/{id}`, never a path. If it returns `None`, a
    /// [`RouteSlot`](crate::RouteSlot) in the request's extensions receives the route from a router behind the layer. A second
    /// call replaces the function.
    pub fn route(
        self,
        find: impl for<'a> Fn(&RequestHead<'a>) -> Option<&'a str> + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.set_route(find))
    }

    /// Sets the function that finds the address of the socket's other end. By default axum's `ConnectInfo<SocketAddr>` and, with
    /// the feature `tonic`, tonic's `TcpConnectInfo` are used, also over TLS.
    ///
    /// The address must not come from a header; see [`trusted_proxies`](Self::trusted_proxies). A second call replaces the
    /// function.
    pub fn peer(
        self,
        find: impl Fn(&RequestHead<'_>) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.set_peer(find))
    }

    /// Trusts the forwarding headers of these proxies: by default only `X-Forwarded-For`. By default no proxy is trusted.
    ///
    /// [`TrustedProxies::headers`] names other headers. The headers count only if the peer is known, by axum's `ConnectInfo` or by
    /// [`peer`](Self::peer), or if a peer without an address is trusted ([`TrustedProxies::unix_socket`]). A second call replaces
    /// the proxies.
    ///
    /// ```
    /// use otel_tower::{ServerLayer, TrustedProxies, XForwarded};
    ///
    /// let proxies: TrustedProxies = "10.0.0.0/8".parse()?;
    /// let written = [XForwarded::For, XForwarded::Proto, XForwarded::Host];
    /// let layer = ServerLayer::new().trusted_proxies(proxies.headers(written));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trusted_proxies(self, proxies: TrustedProxies) -> Self {
        self.with(|options| options.set_trusted_proxies(proxies))
    }

    /// Marks the server as terminating TLS, so `url.scheme` is `https` if the request does not specify a scheme.
    pub fn https(self) -> Self {
        self.with(ServerOptions::set_https)
    }

    /// Records `client.port` if no proxy is in between. By default it is not recorded.
    pub fn client_port(self) -> Self {
        self.with(ServerOptions::enable_client_port)
    }

    /// Records `network.transport`: `tcp`, `unix`, `quic` or `pipe`. By default it is not recorded. A second call replaces the
    /// value.
    pub fn network_transport(self, transport: impl Into<Cow<'static, str>>) -> Self {
        self.with(|options| options.set_network_transport(transport))
    }

    /// Adds a response header that names the trace of the request. By default no header is added. A further call adds a header.
    ///
    /// Responses get the header, also errors. Without an SDK no response gets it.
    ///
    /// A response that a shared cache may keep gets no header, because the cache would send the ids to other callers. This is a
    /// response whose `Cache-Control` says `public`, `s-maxage`, or a `max-age` above 0 without `private`. A date in `Expires`
    /// counts as a `max-age`; `X-Accel-Expires`, `Surrogate-Control` and `CDN-Cache-Control` count too. Some caches also keep
    /// responses without these headers: let the cache remove the header, as the guide shows.
    pub fn response_header(self, header: TraceHeader) -> Self {
        self.with(|options| options.add_trace_header(header))
    }

    /// Sets whether a request is an error if the client disconnects before the response is complete: status ERROR and the
    /// `error.type` `cancelled`.
    ///
    /// By default it is an error, except for a successful `text/event-stream`, which has no other end. With `true` such a stream is
    /// an error too. With `false` no cancelled request is an error. A cancelled gRPC call is never an error.
    ///
    /// A handler or a hook that sets or clears the error wins. [`Outcome::end`](crate::Outcome::end) is `Cancelled` in any case. A
    /// second call replaces the value.
    pub fn cancelled_is_error(self, is_error: bool) -> Self {
        self.with(|options| options.set_cancelled_is_error(is_error))
    }

    fn common(self, change: impl FnOnce(&mut CommonOptions)) -> Self {
        self.with(|options| change(options.common_mut()))
    }

    fn with(mut self, change: impl FnOnce(&mut ServerOptions)) -> Self {
        change(Arc::make_mut(&mut self.options));
        self
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServerService::from_options(inner, Arc::clone(&self.options))
    }
}
