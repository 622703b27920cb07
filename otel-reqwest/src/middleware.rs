//! The middleware: where everything is configured.

use std::sync::Arc;

use http::{Extensions, HeaderValue};
use opentelemetry::Context;
#[cfg(feature = "metrics")]
use opentelemetry::metrics::MeterProvider;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use otel_core::client::{ClientConfig, EndAt, UrlTemplates};
use otel_core::http::{HeaderCapture, KnownMethods, Redaction};
use otel_core::outgoing::Outgoing;
use otel_core::propagator::PropagatorChoice;
use otel_core::span_update::SpanUpdate;
use otel_core::{RequestHead, ResponseHead};
use reqwest::redirect::Policy;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, Result};

use crate::redirect::Redirects;
use crate::send::{self, BoxFuture, Settings};
use crate::sent::SentRequest;

/// Opens a CLIENT span for every attempt that passes and sends its context along.
///
/// See the [crate docs](crate) for examples.
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientMiddleware {
    settings: Settings,
}

impl Default for ClientMiddleware {
    fn default() -> Self {
        let config = ClientConfig::new("otel_reqwest", env!("CARGO_PKG_VERSION"));
        #[cfg(feature = "metrics")]
        let config = config.measured();
        Self {
            settings: Settings {
                config: Arc::new(config),
                redirects: Redirects::default(),
            },
        }
    }
}

impl ClientMiddleware {
    /// Makes a middleware that uses the global tracer provider, meter provider and propagator.
    ///
    /// All are looked up when requests are sent, so they may be set after the client was made.
    pub fn new() -> Self {
        Self::default()
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

    /// Sends the context to these hosts alone. By default every host is sent everything.
    ///
    /// Redirects must not carry it further, so a policy that excludes any host needs a client that does not follow them
    /// by itself: made with [`build`](Self::build), or told so with [`redirects`](Self::redirects). With any other
    /// client nothing is sent at all, and a warning says so once.
    ///
    /// ```
    /// use otel_core::outgoing::{HostPolicy, Outgoing};
    /// use otel_reqwest::ClientMiddleware;
    ///
    /// let ours = HostPolicy::only(["*.internal.example.com"])?;
    /// let client = ClientMiddleware::new()
    ///     .outgoing(Outgoing::default().trace(ours.clone()).baggage(ours))
    ///     .build(reqwest::Client::builder())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn outgoing(self, policy: Outgoing) -> Self {
        self.with(|config| config.outgoing = policy)
    }

    /// Says who follows redirects; by default the client, as it was built.
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.settings.redirects = redirects;
        self
    }

    /// Says where spans end; by default after the response headers.
    pub fn end_at(self, end_at: EndAt) -> Self {
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
    ///
    /// Headers that the client adds to each request by itself (`default_headers`) are not seen.
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
    ///
    /// A middleware does not see what the client itself would add, so it is named here and not on the client.
    pub fn user_agent(self, user_agent: HeaderValue) -> Self {
        self.with(|config| config.user_agent = Some(user_agent))
    }

    /// Names requests by the first of these templates that fits the path; it becomes `url.template` and stands in the
    /// name of the span.
    ///
    /// `{name}` stands for one segment of the path, `{*name}` at the end for all that remain. A
    /// [`UrlTemplate`](crate::UrlTemplate) on the request wins.
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
    ///
    /// ```
    /// use otel_reqwest::ClientMiddleware;
    ///
    /// // Whether a user exists is asked with a request that may well end in 404.
    /// let middleware = ClientMiddleware::new().on_response(|request, response, span| {
    ///     if response.status() == 404 && request.uri().path().starts_with("/users/") {
    ///         span.set_no_error();
    ///     }
    /// });
    /// # drop(middleware);
    /// ```
    pub fn on_response(
        self,
        hook: impl Fn(&RequestHead<'_>, &ResponseHead<'_>, &mut SpanUpdate<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.with(|config| config.on_response.push(Arc::new(hook)))
    }

    /// Gives the sampler the attributes of a span also under a parent that is not sampled. Default: only under one that
    /// is, and where there is none.
    ///
    /// Samplers that follow the parent need no more, and nothing is built for a span that no one records.
    pub fn attributes_for_sampler(self) -> Self {
        self.with(|config| config.attributes_for_sampler = true)
    }

    /// Records how many bytes the bodies had, on the span and, with the feature `metrics`, as
    /// `http.client.request.body.size` and `http.client.response.body.size`. Default: not.
    ///
    /// Of the response it is what its head promises; with [`EndAt::Body`] what was read, decompressed where the client
    /// does that. Where neither is known, nothing is recorded.
    pub fn body_sizes(self) -> Self {
        self.with(|config| config.body_sizes = true)
    }

    /// Counts the requests that wait for their end, as `http.client.active_requests`. Default: not.
    #[cfg(feature = "metrics")]
    pub fn active_requests(self) -> Self {
        self.with(ClientConfig::active_requests)
    }

    /// Makes a client around which this is the only middleware, and which leaves redirects to it: each hop has a span
    /// of its own, and the context goes only where [`outgoing`](Self::outgoing) allows.
    ///
    /// It follows ten redirects unless [`redirects`](Self::redirects) says otherwise; the builder's own redirect policy
    /// is replaced.
    ///
    /// # Errors
    ///
    /// When reqwest cannot build the client.
    pub fn build(self, client: reqwest::ClientBuilder) -> reqwest::Result<ClientWithMiddleware> {
        let middleware = match self.settings.redirects {
            Redirects::ByClient => self.redirects(Redirects::Follow(10)),
            Redirects::Follow(_) | Redirects::No => self,
        };
        let client = client.redirect(Policy::none()).build()?;
        Ok(ClientBuilder::new(client).with(middleware).build())
    }

    fn with(mut self, change: impl FnOnce(&mut ClientConfig)) -> Self {
        change(Arc::make_mut(&mut self.settings.config));
        self
    }
}

impl Middleware for ClientMiddleware {
    // What `async_trait` makes of the method's signature; written out, since it would box a future for each way.
    fn handle<'life0, 'life1, 'life2, 'future>(
        &'life0 self,
        request: Request,
        extensions: &'life1 mut Extensions,
        next: Next<'life2>,
    ) -> BoxFuture<'future, Result<Response>>
    where
        'life0: 'future,
        'life1: 'future,
        'life2: 'future,
        Self: 'future,
    {
        let Settings { config, redirects } = &self.settings;
        let sent = SentRequest {
            request: &request,
            extensions,
            has_new_path: false,
        };
        if Context::is_current_telemetry_suppressed() {
            next.run(request, extensions)
        } else if config.skips(&sent) {
            send::pass(&self.settings, request, extensions, next)
        } else if let Redirects::Follow(limit) = *redirects {
            Box::pin(send::follow(
                &self.settings,
                request,
                extensions,
                next,
                limit,
            ))
        } else {
            send::send(&self.settings, request, extensions, next)
        }
    }
}
