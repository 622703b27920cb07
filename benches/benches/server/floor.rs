//! What one would write by hand: extract, one span through the SDK with the same attributes, ended with the response head.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, ready};

use axum::extract::MatchedPath;
use axum::http::header::{HOST, HeaderMap, HeaderName, USER_AGENT};
use axum::http::{Request, Response};
use futures_util::FutureExt as _;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_http::HeaderExtractor;
use tower::{Layer, Service};

#[derive(Clone)]
pub(crate) struct FloorLayer(Arc<BoxedTracer>);

impl FloorLayer {
    pub(crate) fn new() -> Self {
        Self(Arc::new(global::tracer("floor")))
    }
}

impl<S> Layer<S> for FloorLayer {
    type Service = Floor<S>;

    fn layer(&self, inner: S) -> Floor<S> {
        Floor {
            inner,
            tracer: Arc::clone(&self.0),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Floor<S> {
    inner: S,
    tracer: Arc<BoxedTracer>,
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
        let builder = self
            .tracer
            .span_builder(name)
            .with_kind(SpanKind::Server)
            .with_attributes(attributes(&request, route));
        let span = self.tracer.build_with_context(builder, &parent);
        let context = parent.with_span(span);
        let guard = context.clone().attach();
        let inner = self.inner.call(request);
        drop(guard);
        FloorFuture { inner, context }
    }
}

fn attributes<B>(request: &Request<B>, route: Option<&MatchedPath>) -> Vec<KeyValue> {
    let text = |name: HeaderName| header(request.headers(), name);
    let mut attributes = Vec::with_capacity(10);
    attributes.push(KeyValue::new("http.request.method", "GET"));
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
    attributes
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

pub(crate) struct FloorFuture<F> {
    inner: F,
    context: Context,
}

impl<F, R, E> Future for FloorFuture<F>
where
    F: Future<Output = Result<Response<R>, E>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<F::Output> {
        let _guard = self.context.clone().attach();
        let result = ready!(self.inner.poll_unpin(cx));
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
