//! The layer: where everything is configured.

use std::net::SocketAddr;
use std::sync::Arc;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use otel_core::http::{HeaderCapture, KnownMethods, Redaction, TrustedProxies};
use otel_core::propagator::PropagatorChoice;
use otel_core::rpc::RpcMethods;
use otel_core::span_update::SpanUpdate;
use otel_core::tracer::LazyTracer;
use otel_core::trust::TrustPolicy;
use otel_core::{RequestHead, ResponseHead};
use tower_layer::Layer;

use crate::server::config::{Config, Function, scope};
use crate::server::end_at::EndAt;
use crate::server::first_byte::FirstByte;
use crate::server::service::ServerService;
use crate::server::trace_header::TraceHeader;

/// Opens a SERVER span for every request of the service it wraps.
///
/// See the [crate docs](crate) for an example. The layer is configured once and shared by all its services; it has no type
/// parameters. A function given to it that panics does not break the request, which goes on without its answer.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ServerLayer {
    config: Arc<Config>,
}

impl ServerLayer {
    /// Makes a layer that uses the global tracer provider and the global propagator.
    ///
    /// Both are looked up when requests come, so they may be set after the layer was made.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses this tracer provider instead of the global one.
    ///
    /// Where the span is a `tracing` span as well, the subscriber's OpenTelemetry layer makes it with its own tracer;
    /// [`without_tracing_span`](Self::without_tracing_span) makes this provider the only one.
    pub fn tracer_provider<P, T, S>(self, provider: &P) -> Self
    where
        P: TracerProvider<Tracer = T>,
        T: Tracer<Span = S> + Send + Sync + 'static,
        S: Span + Send + Sync + 'static,
    {
        let tracer = LazyTracer::of(provider, scope());
        self.with(|config| config.tracer = Arc::new(tracer))
    }

    /// Reads the caller's context with this propagator instead of the global one.
    pub fn propagator(self, propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        self.with(|config| config.propagator = PropagatorChoice::own(propagator))
    }

    /// Opens every span through the OpenTelemetry API alone, which costs about half as much.
    ///
    /// The context is active in the handler all the same. What is lost: `tracing::Span::current()` is not the
    /// request's span, so a task spawned with `.in_current_span()` straight from a handler has no parent.
    pub fn without_tracing_span(self) -> Self {
        self.with(|config| config.tracing_span = false)
    }

    /// Makes SERVER spans of gRPC calls: those requests whose `content-type` is gRPC's. All others stay as they are.
    ///
    /// Name and attributes follow the [RPC conventions](https://opentelemetry.io/docs/specs/semconv/rpc/) of version 1.44.0, a
    /// release candidate. The span covers the whole call, to the status in the trailers, whatever [`end_at`](Self::end_at)
    /// says. Of the codes, those that are the server's own failure are errors: `UNKNOWN`, `DEADLINE_EXCEEDED`,
    /// `UNIMPLEMENTED`, `INTERNAL`, `UNAVAILABLE` and `DATA_LOSS`. A call that its client gives up is `CANCELLED`, or
    /// `DEADLINE_EXCEEDED` when the time has passed that `grpc-timeout` allows; both clocks run, so the last twentieth of that
    /// time, and at least five milliseconds, count as passed.
    ///
    /// A stranger may ask for any method, so a method is known once its handler has answered it, up to 1,024 of them: with a
    /// message, or with a code that is not said before a method is looked for, or instead, such as `UNAUTHENTICATED`,
    /// `UNAVAILABLE` or `INTERNAL`; and in a response of gRPC's own `content-type`. Until then, `rpc.method` is set at the end of
    /// the call. One that is not known is `_OTHER`, and its span is named `grpc`. [`grpc_methods`](Self::grpc_methods) names them
    /// beforehand.
    ///
    /// gRPC-Web is read inside the layer that translates it.
    ///
    /// ```
    /// use otel_tower::ServerLayer;
    ///
    /// let server = tonic::transport::Server::builder().layer(ServerLayer::new().grpc());
    /// # let _ = server;
    /// ```
    pub fn grpc(self) -> Self {
        self.with(|config| config.grpc = Some(RpcMethods::answered()))
    }

    /// The same, where these methods are known, each as `package.Service/Method`, and no others.
    pub fn grpc_methods<M: AsRef<str>>(self, methods: impl IntoIterator<Item = M>) -> Self {
        self.with(|config| config.grpc = Some(RpcMethods::only(methods)))
    }

    /// Opens no span for requests that match. What their callers sent is active in the handler all the same, and is sent on.
    ///
    /// Called again, it adds to what is skipped. [`predicate`](otel_core::predicate) has ready-made ones for paths, prefixes,
    /// methods and headers.
    ///
    /// ```
    /// use otel_tower::{ServerLayer, predicate};
    ///
    /// let layer = ServerLayer::new()
    ///     .skip(predicate::path_prefix("/health"))
    ///     .skip(|request| request.headers().contains_key("x-probe"));
    /// ```
    pub fn skip(self, matches: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.with(|config| config.skip.add(matches))
    }

    /// Decides whether the caller's trace and baggage are taken over. Default: both always are.
    ///
    /// ```
    /// use otel_tower::{ServerLayer, trust::Trust};
    ///
    /// // at a public edge: a trace of our own, linked to the caller's
    /// let layer = ServerLayer::new().trust(Trust::Link);
    /// ```
    pub fn trust(self, policy: impl Into<TrustPolicy>) -> Self {
        self.with(|config| config.trust = policy.into())
    }

    /// Ends spans there. Default: with the response body.
    pub fn end_at(self, end_at: EndAt) -> Self {
        self.with(|config| config.end_at = end_at)
    }

    /// Decides for each request when its span ends, once the response head is there.
    ///
    /// ```
    /// use otel_tower::{EndAt, ServerLayer};
    ///
    /// // an event stream stands open for hours
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
        self.with(|config| config.end_at_by = Some(Function(Arc::new(decide))))
    }

    /// Shows when the first bytes of a response body were handed out. Default: not at all.
    pub fn first_byte(self, first_byte: FirstByte) -> Self {
        self.with(|config| config.first_byte = Some(first_byte))
    }

    /// Runs this when the span has been opened, before the handler. Called again, it adds another; they run in order.
    ///
    /// Requests that nothing records run it as well; [`SpanUpdate::is_recording`] tells.
    pub fn on_request(
        self,
        hook: impl Fn(&RequestHead<'_>, &mut SpanUpdate<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.with(|config| config.on_request.push(Function(Arc::new(hook))))
    }

    /// Runs this when the response head is there. Called again, it adds another; they run in order.
    ///
    /// It does not run where there is no response: after a service error, a panic, or when the client leaves before. The
    /// request is shown as it came, from a copy of its head that is made for this.
    ///
    /// ```
    /// use http::StatusCode;
    /// use otel_tower::ServerLayer;
    ///
    /// let layer = ServerLayer::new().on_response(|request, response, span| {
    ///     if response.status() == StatusCode::NOT_FOUND && request.uri().path() == "/orders" {
    ///         span.set_error("no_orders");
    ///     }
    /// });
    /// ```
    pub fn on_response(
        self,
        hook: impl Fn(&RequestHead<'_>, &ResponseHead<'_>, &mut SpanUpdate<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.with(|config| config.on_response.push(Function(Arc::new(hook))))
    }

    /// Finds the route with this function instead of reading axum's `MatchedPath`.
    ///
    /// It must return a template such as `/users/{id}`, one of few, and never a path. Where it returns `None`, a
    /// [`RouteSlot`](crate::RouteSlot) in the request's extensions takes the route of a router further in.
    pub fn route(
        self,
        find: impl for<'a> Fn(&RequestHead<'a>) -> Option<&'a str> + Send + Sync + 'static,
    ) -> Self {
        self.with(|config| config.route = Some(Function(Arc::new(find))))
    }

    /// Finds the socket's other end with this function instead of reading axum's `ConnectInfo<SocketAddr>` or, with the
    /// feature `tonic`, tonic's `TcpConnectInfo`.
    ///
    /// It must not come from a header; [`trusted_proxies`](Self::trusted_proxies) is about those.
    pub fn peer(
        self,
        find: impl Fn(&RequestHead<'_>) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> Self {
        self.with(|config| config.peer = Some(Function(Arc::new(find))))
    }

    /// Believes these proxies what they write into `Forwarded` and `X-Forwarded-*`. Default: no one.
    ///
    /// It takes a peer, by axum's `ConnectInfo` or by [`peer`](Self::peer), to know who wrote them.
    pub fn trusted_proxies(self, proxies: TrustedProxies) -> Self {
        self.with(|config| config.proxies = proxies)
    }

    /// Says that this server speaks TLS itself, so that `url.scheme` is `https` where the request does not say.
    pub fn https(self) -> Self {
        self.with(|config| config.https = true)
    }

    /// Records these request headers, by name or with `*`, as `http.request.header.<name>`. Default: none.
    ///
    /// Headers that hold secrets are never recorded, even if named: [`HeaderCapture`] lists them.
    pub fn capture_request_headers<N: AsRef<str>>(
        self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.with(|config| config.request_headers = HeaderCapture::new(names))
    }

    /// Records these response headers, by name or with `*`, as `http.response.header.<name>`. Default: none.
    ///
    /// Headers that hold secrets are never recorded, even if named: [`HeaderCapture`] lists them.
    pub fn capture_response_headers<N: AsRef<str>>(
        self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.with(|config| config.response_headers = HeaderCapture::new(names))
    }

    /// Hides the values of these query keys in `url.query`. Default: those of the conventions, and usual names of secrets.
    ///
    /// `Redaction::default().also(…)` extends the list, [`Redaction::only`] replaces it, [`Redaction::dangerously_off`] hides
    /// nothing.
    pub fn redact(self, redaction: Redaction) -> Self {
        self.with(|config| config.redaction = redaction)
    }

    /// Takes these methods for known; all others are `_OTHER`. Default: `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, or the
    /// conventions' list.
    pub fn known_methods(self, methods: KnownMethods) -> Self {
        self.with(|config| config.methods = methods)
    }

    /// Records `client.port`, where no proxy stands between. Default: not.
    pub fn client_port(self) -> Self {
        self.with(|config| config.client_port = true)
    }

    /// Records this as `network.transport`: `tcp`, `unix`, `quic` or `pipe`. Default: not.
    pub fn network_transport(self, transport: &'static str) -> Self {
        self.with(|config| config.network_transport = Some(transport))
    }

    /// Records how many bytes the bodies had, on the span and, with the feature `metrics`, as
    /// `http.server.request.body.size` and `http.server.response.body.size`. Default: not.
    ///
    /// Bytes are counted as they pass: of the response all that were handed out, of the request those that the handler
    /// read. A request body that is not axum's cannot be counted; there the `Content-Length` is recorded.
    pub fn body_sizes(self) -> Self {
        self.with(|config| config.body_sizes = true)
    }

    /// Tells callers in this response header which trace their request is in. Default: not. Called again, it adds another.
    ///
    /// The trace is named on every response, errors included. Without an SDK there is none to name.
    pub fn response_header(self, header: TraceHeader) -> Self {
        self.with(|config| config.trace_headers.push(header))
    }

    /// Gives the sampler every attribute that is known when a span starts. Default: what costs nothing.
    ///
    /// By default a span that is also a `tracing` span is offered to the sampler as `request` with kind SERVER, and gets its
    /// name and attributes when it is sampled; and nothing is built for a caller that does not sample. Samplers that
    /// decide by trace id, by rate or by the caller need no more. The first request after the global provider was set is
    /// offered without attributes in any case.
    pub fn attributes_for_sampler(self) -> Self {
        self.with(|config| config.attributes_for_sampler = true)
    }

    /// Counts the requests that are being answered, as `http.server.active_requests`. Default: not.
    #[cfg(feature = "metrics")]
    pub fn active_requests(self) -> Self {
        self.with(|config| config.metrics.active_requests = true)
    }

    /// Puts a [`MetricLabels`](otel_core::http::MetricLabels) into the extensions of each request, for attributes of the
    /// metrics. Default: not.
    ///
    /// They are read when the request ends. An attribute of the conventions cannot be replaced. Where a proxy sends the request
    /// on, its client's metrics do not have them.
    #[cfg(feature = "metrics")]
    pub fn metric_labels(self) -> Self {
        self.with(|config| config.metrics.labels = true)
    }

    /// Records metrics with this provider instead of the global one.
    #[cfg(feature = "metrics")]
    pub fn meter_provider(self, provider: &impl opentelemetry::metrics::MeterProvider) -> Self {
        self.with(|config| config.metrics.of(&scope(), provider))
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServerService::new(inner, Arc::clone(&self.config))
    }
}
