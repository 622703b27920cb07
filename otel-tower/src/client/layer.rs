//! The layer: where everything is configured.

use std::sync::Arc;

use http::{HeaderValue, Uri};
#[cfg(feature = "metrics")]
use opentelemetry::metrics::MeterProvider;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use otel_core::client::{ClientConfig, UrlTemplates};
use otel_core::http::{HeaderCapture, KnownMethods, Redaction};
use otel_core::outgoing::Outgoing;
use otel_core::propagator::PropagatorChoice;
use otel_core::rpc::RpcMethods;
use otel_core::span_update::SpanUpdate;
use otel_core::{RequestHead, ResponseHead};
use tower_layer::Layer;

use crate::ClientEndAt;
use crate::client::service::ClientService;

/// Opens a CLIENT span for every request that passes and sends its context along.
///
/// It goes around whatever sends an `http::Request`, closest to it, so that it sees each attempt:
///
/// ```
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use otel_tower::ClientLayer;
/// use tower::Layer as _;
///
/// let client: Client<_, String> = Client::builder(TokioExecutor::new()).build_http();
/// let client = ClientLayer::new().layer(client);
/// # let _ = client;
/// ```
///
/// Its span follows the same rules as that of `otel-reqwest`, in the same code: its parent is the active OpenTelemetry context,
/// or, where that holds no span, the current `tracing` span; it is opened through the OpenTelemetry API alone, so no level
/// filter reaches it; user info and secret query values in `url.full` are replaced by `REDACTED`. What goes wrong on the way is
/// named in the [crate docs](crate#errors-of-a-client).
///
/// The layer is configured once and shared by all its services; it has no type parameters. A function given to it that panics
/// does not break the request, which goes on without its answer.
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientLayer {
    config: Arc<ClientConfig>,
    origin: Option<Arc<Uri>>,
}

impl Default for ClientLayer {
    fn default() -> Self {
        let config = ClientConfig::new("otel_tower", env!("CARGO_PKG_VERSION"));
        #[cfg(feature = "metrics")]
        let config = config.measured();
        Self {
            config: Arc::new(config),
            origin: None,
        }
    }
}

impl ClientLayer {
    /// Makes a layer that uses the global tracer provider, meter provider and propagator.
    ///
    /// All are looked up when requests are sent, so they may be set after the layer was made.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes CLIENT spans of gRPC calls: those requests whose `content-type` is gRPC's. All others stay as they are.
    ///
    /// Name and attributes follow the [RPC conventions](https://opentelemetry.io/docs/specs/semconv/rpc/) of version 1.44.0, a
    /// release candidate. The span covers the whole call, to the status in the trailers, and every code but `OK` is an error.
    /// One that the caller gives up is `CANCELLED`, or `DEADLINE_EXCEEDED` when the time has passed that `grpc-timeout` allows.
    ///
    /// A tonic channel adds host and port further in, where no layer sees them; [`origin`](Self::origin) names them here:
    ///
    /// ```no_run
    /// use otel_tower::ClientLayer;
    /// use tonic::transport::Channel;
    /// use tower::Layer as _;
    ///
    /// # async fn example() -> Result<(), tonic::transport::Error> {
    /// let channel = Channel::from_static("http://pricing:50051").connect().await?;
    /// let origin = http::Uri::from_static("http://pricing:50051");
    /// let channel = ClientLayer::new().grpc().origin(origin).layer(channel);
    /// // let client = PricingClient::new(channel);
    /// # let _ = channel;
    /// # Ok(())
    /// # }
    /// ```
    pub fn grpc(self) -> Self {
        self.with(|config| config.grpc = Some(RpcMethods::any()))
    }

    /// The same, where only these methods, each as `package.Service/Method`, may name a span and a metric; all others are
    /// `_OTHER`. For a proxy that sends on what strangers ask for: without it, any 1,024 methods may.
    pub fn grpc_methods<M: AsRef<str>>(self, methods: impl IntoIterator<Item = M>) -> Self {
        self.with(|config| config.grpc = Some(RpcMethods::only(methods)))
    }

    /// Says where requests go, whatever they say themselves: `http://pricing:50051`.
    ///
    /// For what sends to a place of its own, as a tonic channel or one connection does. Default: their URI says it. Where neither
    /// does, `server.address` is not known and no list of hosts can allow it; a `Host` header is no word to go by.
    pub fn origin(mut self, origin: Uri) -> Self {
        self.origin = Some(Arc::new(origin));
        self
    }

    /// Uses this tracer provider instead of the global one.
    pub fn tracer_provider<P, T, S>(self, provider: &P) -> Self
    where
        P: TracerProvider<Tracer = T>,
        T: Tracer<Span = S> + Send + Sync + 'static,
        S: Span + Send + Sync + 'static,
    {
        self.with(|config| config.tracer_provider(provider))
    }

    /// Uses this meter provider instead of the global one.
    #[cfg(feature = "metrics")]
    pub fn meter_provider(self, provider: &impl MeterProvider) -> Self {
        self.with(|config| config.meter_provider(provider))
    }

    /// Sends the context with this propagator instead of the global one.
    pub fn propagator(self, propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        self.with(|config| config.propagator = PropagatorChoice::own(propagator))
    }

    /// Opens no span for requests that match, and measures nothing; the active context is sent with them all the same.
    ///
    /// Called again, it adds to what is skipped. [`predicate`](otel_core::predicate) has ready-made ones for paths,
    /// prefixes, methods and headers.
    pub fn skip(self, matches: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.with(|config| config.skip.add(matches))
    }

    /// Sends the context to these hosts alone. Default: to every host.
    ///
    /// A layer that follows redirects belongs outside this one, so that each hop is decided anew. A
    /// [`Propagate`](crate::Propagate) in a request's extensions takes more away.
    ///
    /// ```
    /// use otel_tower::ClientLayer;
    /// use otel_tower::outgoing::{HostPolicy, Outgoing};
    ///
    /// let ours = HostPolicy::only(["*.internal.example.com"])?;
    /// let layer = ClientLayer::new().outgoing(Outgoing::default().trace(ours.clone()).baggage(ours));
    /// # Ok::<(), otel_tower::outgoing::HostPatternError>(())
    /// ```
    pub fn outgoing(self, policy: Outgoing) -> Self {
        self.with(|config| config.outgoing = policy)
    }

    /// Ends spans there. Default: with the response headers, as the conventions recommend; a call of gRPC always ends with the
    /// body.
    pub fn end_at(self, end_at: ClientEndAt) -> Self {
        self.with(|config| config.end_at = end_at)
    }

    /// Takes these methods for known; all others are `_OTHER`. Default: `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, or the
    /// conventions' list.
    pub fn known_methods(self, methods: KnownMethods) -> Self {
        self.with(|config| config.methods = methods)
    }

    /// Redacts `url.full` in this way instead of the default one.
    pub fn redact(self, redaction: Redaction) -> Self {
        self.with(|config| config.redaction = redaction)
    }

    /// Records these request headers; names may hold `*`. [`HeaderCapture`] says what is never captured.
    pub fn capture_request_headers<N: AsRef<str>>(
        self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.with(|config| config.request_headers = HeaderCapture::new(names))
    }

    /// Records these response headers; names may hold `*`. [`HeaderCapture`] says what is never captured.
    pub fn capture_response_headers<N: AsRef<str>>(
        self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.with(|config| config.response_headers = HeaderCapture::new(names))
    }

    /// Sends this `User-Agent` with requests that have none, and records the one that is sent as `user_agent.original`.
    pub fn user_agent(self, user_agent: HeaderValue) -> Self {
        self.with(|config| config.user_agent = Some(user_agent))
    }

    /// Names requests by the first of these templates that fits the path; it becomes `url.template` and stands in the
    /// name of the span.
    ///
    /// `{name}` stands for one segment of the path, `{*name}` at the end for all that remain. A
    /// [`UrlTemplate`](crate::UrlTemplate) in the request's extensions wins.
    pub fn url_templates<T: Into<String>>(self, templates: impl IntoIterator<Item = T>) -> Self {
        self.with(|config| config.templates = UrlTemplates::new(templates))
    }

    /// Runs this for each attempt, when its span has been opened and before the context is written into the headers.
    /// Called again, it adds another; they run in order.
    ///
    /// Requests that nothing records run it as well; [`SpanUpdate::is_recording`] tells.
    pub fn on_request(
        self,
        hook: impl Fn(&RequestHead<'_>, &mut SpanUpdate<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.with(|config| config.on_request.push(Arc::new(hook)))
    }

    /// Runs this when the response head is there. Called again, it adds another; they run in order.
    ///
    /// It does not run where there is no response. The request is shown as it was before the context was written into its
    /// headers, from a copy of its head that is made for this.
    pub fn on_response(
        self,
        hook: impl Fn(&RequestHead<'_>, &ResponseHead<'_>, &mut SpanUpdate<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.with(|config| config.on_response.push(Arc::new(hook)))
    }

    /// Gives the sampler the attributes of a span also under a parent that is not sampled. Default: only under one that
    /// is, and where there is none.
    pub fn attributes_for_sampler(self) -> Self {
        self.with(|config| config.attributes_for_sampler = true)
    }

    /// Records how many bytes the bodies had, on the span and, with the feature `metrics`, as
    /// `http.client.request.body.size` and `http.client.response.body.size`. Default: not.
    ///
    /// Of the request it is what the body knows of itself beforehand, of the response what its head promises; with
    /// [`ClientEndAt::Body`] what was read. Where that is not known, nothing is recorded.
    pub fn body_sizes(self) -> Self {
        self.with(|config| config.body_sizes = true)
    }

    /// Counts the requests that wait for their end, as `http.client.active_requests`. Default: not.
    #[cfg(feature = "metrics")]
    pub fn active_requests(self) -> Self {
        self.with(ClientConfig::active_requests)
    }

    fn with(mut self, change: impl FnOnce(&mut ClientConfig)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ClientService::new(inner, Arc::clone(&self.config), self.origin.clone())
    }
}
