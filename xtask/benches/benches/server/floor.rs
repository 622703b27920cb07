//! What one would write by hand: extract, one span with the same attributes, straight from the SDK or as a `tracing` span,
//! ended with the response head.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, ready};

use axum::extract::{ConnectInfo, MatchedPath};
use axum::http::header::{HOST, HeaderMap, HeaderName, USER_AGENT};
use axum::http::{Method, Request, Response};
use futures_util::FutureExt as _;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_http::HeaderExtractor;
use tower::{Layer, Service};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

#[derive(Clone)]
pub(crate) struct FloorLayer {
    tracer: Arc<BoxedTracer>,
    as_tracing_span: bool,
}

impl FloorLayer {
    pub(crate) fn sdk_span() -> Self {
        Self {
            tracer: Arc::new(global::tracer("floor")),
            as_tracing_span: false,
        }
    }

    pub(crate) fn tracing_span() -> Self {
        Self {
            as_tracing_span: true,
            ..Self::sdk_span()
        }
    }
}

impl<S> Layer<S> for FloorLayer {
    type Service = Floor<S>;

    fn layer(&self, inner: S) -> Floor<S> {
        Floor {
            inner,
            layer: self.clone(),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Floor<S> {
    inner: S,
    layer: FloorLayer,
}

impl<S, B, R> Service<Request<B>> for Floor<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Unpin,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = FloorFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Task<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let parent = global::get_text_map_propagator(|propagator| {
            propagator.extract(&HeaderExtractor(request.headers()))
        });
        let route = request.extensions().get::<MatchedPath>();
        let name = match route {
            Some(route) => format!("{} {}", request.method(), route.as_str()),
            None => request.method().to_string(),
        };
        let attributes = attributes(&request, route);
        let (context, span) = if self.layer.as_tracing_span {
            let span = tracing::info_span!("request", otel.kind = "server");
            let _ = span.set_parent(parent);
            let context = span.context();
            context.span().update_name(name);
            context.span().set_attributes(attributes);
            (context, Some(span))
        } else {
            let tracer = &self.layer.tracer;
            let builder = tracer.span_builder(name).with_kind(SpanKind::Server);
            let builder = builder.with_attributes(attributes);
            let span = tracer.build_with_context(builder, &parent);
            (parent.with_span(span), None)
        };
        let mut future = FloorFuture {
            inner: None,
            context,
            span,
        };
        future.inner = Some(future.active(|| self.inner.call(request)));
        future
    }
}

fn attributes<B>(request: &Request<B>, route: Option<&MatchedPath>) -> Vec<KeyValue> {
    let text = |name: HeaderName| header(request.headers(), name);
    let mut attributes = Vec::with_capacity(13);
    let method = match *request.method() {
        Method::GET => "GET",
        Method::PUT => "PUT",
        Method::POST => "POST",
        _ => "_OTHER",
    };
    attributes.push(KeyValue::new("http.request.method", method));
    attributes.push(KeyValue::new("url.scheme", "http"));
    attributes.push(KeyValue::new("url.path", request.uri().path().to_owned()));
    if let Some(query) = request.uri().query() {
        attributes.push(KeyValue::new("url.query", query.to_owned()));
    }
    if let Some(route) = route {
        attributes.push(KeyValue::new("http.route", route.as_str().to_owned()));
    }
    attributes.push(KeyValue::new("network.protocol.version", "1.1"));
    if let Some((host, port)) = text(HOST).and_then(|host| host.split_once(':')) {
        attributes.push(KeyValue::new("server.address", host.to_owned()));
        if let Ok(port) = port.parse::<i64>() {
            attributes.push(KeyValue::new("server.port", port));
        }
    }
    if let Some(agent) = text(USER_AGENT) {
        attributes.push(KeyValue::new("user_agent.original", agent.to_owned()));
    }
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let address: Arc<str> = peer.ip().to_string().into();
        attributes.push(KeyValue::new("client.address", address.clone()));
        attributes.push(KeyValue::new("network.peer.address", address));
        attributes.push(KeyValue::new("network.peer.port", i64::from(peer.port())));
    }
    attributes
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

pub(crate) struct FloorFuture<F> {
    inner: Option<F>,
    context: Context,
    span: Option<Span>,
}

impl<F> FloorFuture<F> {
    fn active<T>(&self, work: impl FnOnce() -> T) -> T {
        // Entering the `tracing` span activates its context.
        let _span = self.span.as_ref().map(Span::enter);
        let _context = self.span.is_none().then(|| self.context.clone().attach());
        work()
    }
}

impl<F, R, E> Future for FloorFuture<F>
where
    F: Future<Output = Result<Response<R>, E>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<F::Output> {
        let mut inner = self.inner.take().expect("polled after it was ready");
        let polled = self.active(|| inner.poll_unpin(cx));
        self.inner = Some(inner);
        let result = ready!(polled);
        let span = self.context.span();
        if let Ok(response) = &result {
            let status = response.status();
            span.set_attribute(KeyValue::new(
                "http.response.status_code",
                i64::from(status.as_u16()),
            ));
            if status.is_server_error() {
                span.set_status(Status::error(""));
            }
        }
        span.end();
        Poll::Ready(result)
    }
}
