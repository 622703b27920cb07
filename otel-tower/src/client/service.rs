//! The service: a request goes out.

use std::sync::{Arc, Once};
use std::task::{Context as Task, Poll};

use http::header::USER_AGENT;
use http::{Request, Response, Uri};
use http_body::Body;
use opentelemetry::Context;
use otel_exchange::client::{
    ClientOptions, Destination, Exchange, OutgoingRequest, Propagate, parent,
};
use otel_exchange::content_length;
use tower_service::Service;

use super::body::ClientBody;
use super::future::ClientFuture;
use super::resend;

/// Sends each request inside a CLIENT span and injects its context.
///
/// See [`ClientLayer`](crate::ClientLayer) for examples.
#[derive(Debug, Clone)]
pub struct ClientService<S> {
    inner: S,
    options: Arc<ClientOptions>,
    origin: Option<Arc<Uri>>,
}

/// Returns the options of a client that has set none.
pub(super) fn default_options() -> ClientOptions {
    ClientOptions::new("otel_tower", env!("CARGO_PKG_VERSION"))
}

impl<S> ClientService<S> {
    /// Wraps a service with the default options. [`ClientLayer`](crate::ClientLayer) sets others.
    pub fn new(inner: S) -> Self {
        Self::from_options(inner, Arc::new(default_options()), None)
    }

    pub(super) fn from_options(
        inner: S,
        options: Arc<ClientOptions>,
        origin: Option<Arc<Uri>>,
    ) -> Self {
        Self {
            inner,
            options,
            origin,
        }
    }

    crate::inner_accessors!();

    /// Opens the span and injects its context into the headers. Returns `None` if the request gets no span.
    fn open<B: Body>(&self, request: &mut Request<B>) -> Option<Exchange> {
        // Requests of telemetry exporters pass unchanged.
        if Context::is_current_telemetry_suppressed() {
            return None;
        }
        // A layer further out has opened the span and injected its context.
        let (headers, extensions) = (request.headers(), request.extensions());
        if self.options.is_traced(headers, extensions) {
            warn_of_second_layer();
            self.set_user_agent(request);
            let destination = Destination::from_uri(request.uri(), self.origin.as_deref());
            let host = destination.host().to_owned();
            self.options.restrict(&host, request.headers_mut());
            return None;
        }
        if self.options.has_skip() && self.options.skips(&self.outgoing(request)) {
            let parent = parent(request.extensions());
            self.inject(&parent, request);
            return None;
        }
        self.set_user_agent(request);
        let resends = resend::count(request.extensions());
        let mut exchange = Exchange::open(&self.options, &self.outgoing(request), resends);
        if let Some(sizes) = exchange.sizes() {
            let exact = request.body().size_hint().exact();
            sizes.announce_request(exact.or_else(|| content_length(request.headers())));
        }
        self.inject(exchange.context(), request);
        exchange.mark_traced(request.extensions_mut());
        Some(exchange)
    }

    fn set_user_agent<B>(&self, request: &mut Request<B>) {
        if let Some(user_agent) = self.options.user_agent() {
            let field = request.headers_mut().entry(USER_AGENT);
            field.or_insert_with(|| user_agent.clone());
        }
    }

    fn outgoing<'a, B>(&'a self, request: &'a Request<B>) -> OutgoingRequest<'a> {
        OutgoingRequest::from_request(request, self.origin.as_deref())
    }

    fn inject<B>(&self, context: &Context, request: &mut Request<B>) {
        let own: Option<Propagate> = request.extensions().get().copied();
        let mut host = String::new();
        if own.is_some() || !self.options.is_unrestricted() {
            let destination = Destination::from_uri(request.uri(), self.origin.as_deref());
            destination.host().clone_into(&mut host);
            if host.is_empty() && !self.options.is_unrestricted() {
                warn_of_unknown_host();
            }
        }
        self.options
            .inject(context, &host, own, request.headers_mut());
    }
}

#[cold]
fn warn_of_second_layer() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            name: "two_layers",
            { event.name = "two_layers" },
            "a request has passed two of ClientLayer. The inner layer opens no span: remove one of the two; see \
             docs/troubleshooting.md#two_layers"
        );
    });
}

fn warn_of_unknown_host() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            name: "context_not_sent",
            { event.name = "context_not_sent" },
            "no context is injected: the list of hosts needs the host of each request, and the URI has none; \
             set it with ClientLayer::origin"
        );
    });
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ClientService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Error: 'static,
    ReqBody: Body,
    ResBody: Body,
{
    type Response = Response<ClientBody<ResBody>>;
    type Error = S::Error;
    type Future = ClientFuture<S::Future>;

    fn poll_ready(&mut self, task: &mut Task<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let mut exchange = self.open(&mut request);
        let future = match &mut exchange {
            Some(exchange) => exchange.run(|| self.inner.call(request)),
            None => self.inner.call(request),
        };
        ClientFuture::new(future, exchange)
    }
}
