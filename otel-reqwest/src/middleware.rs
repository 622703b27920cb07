//! The middleware: the options of a client.

use std::sync::Arc;

use http::Extensions;
use opentelemetry::Context;
use otel_exchange::CommonOptions;
use otel_exchange::client::ClientOptions;
use reqwest::redirect::Policy;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, Result};

use crate::current_attempt::AttemptId;
use crate::redirect::Redirects;
use crate::send::{self, BoxFuture, Settings};

/// Opens a CLIENT span for every attempt that passes and injects its context.
///
/// See the [crate docs](crate) for examples. If a function that is given to the middleware panics, the panic is caught and the
/// request continues as if the function were not set.
///
/// Headers that the client adds to each request itself (`default_headers`) are not visible to a middleware, so they are neither
/// captured nor recorded; set the `User-Agent` with [`user_agent`](Self::user_agent).
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientMiddleware {
    settings: Settings,
}

impl Default for ClientMiddleware {
    fn default() -> Self {
        let options = ClientOptions::new("otel_reqwest", env!("CARGO_PKG_VERSION"));
        Self {
            settings: Settings {
                options: Arc::new(options),
                redirects: Redirects::default(),
            },
        }
    }
}

impl ClientMiddleware {
    /// Makes a middleware that uses the global tracer provider, meter provider and propagator.
    ///
    /// They are looked up when requests are sent, so they can be set after the client was made.
    pub fn new() -> Self {
        Self::default()
    }

    otel_exchange::common_options!("otel_reqwest", "otel_reqwest::ClientMiddleware::new()");

    otel_exchange::client_options!("otel_reqwest", "otel_reqwest::ClientMiddleware::new()");

    /// Sets who follows redirects. By default the client does, as it was built. A second call replaces the value.
    ///
    /// If [`outgoing`](Self::outgoing) excludes a host, the client must not follow redirects itself: make it with
    /// [`build`](Self::build), or set another value here. Otherwise no context is injected, and one warning says so.
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.settings.redirects = redirects;
        self
    }

    /// Builds a client with this middleware, which follows redirects itself: each hop has a span of its own, and the context is
    /// injected only as [`outgoing`](Self::outgoing) allows.
    ///
    /// It follows ten redirects unless [`redirects`](Self::redirects) sets another value. The builder's redirect policy is
    /// replaced.
    ///
    /// # Errors
    ///
    /// Returns an error if reqwest cannot build the client.
    pub fn build(self, client: reqwest::ClientBuilder) -> reqwest::Result<ClientWithMiddleware> {
        let middleware = match self.settings.redirects {
            Redirects::ByClient => self.redirects(Redirects::Follow(10)),
            Redirects::Follow(_) | Redirects::No => self,
        };
        let client = client.redirect(Policy::none()).build()?;
        Ok(ClientBuilder::new(client).with(middleware).build())
    }

    fn common(self, change: impl FnOnce(&mut CommonOptions)) -> Self {
        self.client(|options| change(options.common_mut()))
    }

    fn client(mut self, change: impl FnOnce(&mut ClientOptions)) -> Self {
        change(Arc::make_mut(&mut self.settings.options));
        self
    }
}

impl Middleware for ClientMiddleware {
    // The signature that `async_trait` generates. It is written out so that only one future is boxed.
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
        let settings = &self.settings;
        let options = &settings.options;
        if Context::is_current_telemetry_suppressed() {
            next.run(request, extensions)
        } else if AttemptId::new(extensions).is_traced() {
            send::pass_traced(settings, request, extensions, next)
        } else if options.has_skip() && options.skips(&send::outgoing(&request, extensions)) {
            send::pass(settings, request, extensions, next)
        } else if let Redirects::Follow(limit) = settings.redirects {
            Box::pin(send::follow(settings, request, extensions, next, limit))
        } else {
            send::send(settings, request, extensions, next)
        }
    }
}
