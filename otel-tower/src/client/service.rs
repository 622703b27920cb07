//! The service: a request goes out.

use std::sync::{Arc, Once};
use std::task::{Context as Task, Poll};

use http::header::USER_AGENT;
use http::{Request, Response, Uri};
use http_body::Body;
use opentelemetry::Context;
use otel_core::client::{ClientCall, ClientConfig, OutgoingRequest as _, Propagate, parent};
use tower_service::Service;

use crate::client::body::ClientBody;
use crate::client::future::ClientFuture;
use crate::client::request::SentRequest;
use crate::client::resend;

/// Sends each request inside a CLIENT span, and its context along.
///
/// See [`ClientLayer`](crate::ClientLayer) for examples.
#[derive(Debug, Clone)]
pub struct ClientService<S> {
    inner: S,
    config: Arc<ClientConfig>,
    origin: Option<Arc<Uri>>,
}

impl<S> ClientService<S> {
    pub(super) fn new(inner: S, config: Arc<ClientConfig>, origin: Option<Arc<Uri>>) -> Self {
        Self {
            inner,
            config,
            origin,
        }
    }

    /// Opens the span and writes its context into the headers; `None` where the request passes without one.
    fn open<B: Body>(&self, request: &mut Request<B>) -> Option<ClientCall> {
        let config = &self.config;
        // Calls of telemetry's own exporters pass untouched.
        if Context::is_current_telemetry_suppressed() {
            return None;
        }
        if !config.skip.is_empty() && config.skips(&self.sent(request)) {
            self.inject(&parent(), request);
            return None;
        }
        if let Some(user_agent) = &config.user_agent {
            let field = request.headers_mut().entry(USER_AGENT);
            field.or_insert_with(|| user_agent.clone());
        }
        let resends = resend::count(request.extensions());
        let mut call = ClientCall::open(config, &self.sent(request), resends);
        let size = request.body().size_hint().exact();
        if let (Some(sizes), Some(size)) = (call.sizes(), size) {
            sizes.send(size);
        }
        self.inject(call.context(), request);
        Some(call)
    }

    fn sent<'a, B>(&'a self, request: &'a Request<B>) -> SentRequest<'a, B> {
        SentRequest::new(request, self.origin.as_deref())
    }

    fn inject<B>(&self, context: &Context, request: &mut Request<B>) {
        let own: Option<Propagate> = request.extensions().get().copied();
        if own.is_none() && self.config.outgoing.is_unrestricted() {
            let propagator = &self.config.propagator;
            return propagator.inject(context, request.headers_mut());
        }
        // The headers are borrowed apart from the URI.
        let mut headers = request.headers().clone();
        let sent = self.sent(request);
        if sent.host().is_empty() && !self.config.outgoing.is_unrestricted() {
            warn_of_unknown_host();
        }
        self.config.inject(context, sent.host(), own, &mut headers);
        *request.headers_mut() = headers;
    }
}

fn warn_of_unknown_host() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            "no context is sent: a list of hosts needs to know where a request goes, and its URI does not say; \
             name it with ClientLayer::origin"
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
        let mut call = self.open(&mut request);
        let has_hooks = call.as_ref().is_some_and(ClientCall::has_hooks);
        let extensions = has_hooks.then(|| request.extensions().clone());
        let future = match &mut call {
            Some(call) => call.run(|| self.inner.call(request)),
            None => self.inner.call(request),
        };
        ClientFuture::new(future, call, extensions.unwrap_or_default())
    }
}
