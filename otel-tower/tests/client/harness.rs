//! A server that shows what it was sent, and a traced client to it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request as AxumRequest, State};
use http::{HeaderMap, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::trace::{
    FutureExt as _, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, Value};
use otel_core::propagation::CompositePropagator;
use otel_testkit::{Recorder, Span, Trace};
use otel_tower::ClientLayer;
use tokio::net::TcpListener;

pub(crate) type Client = HyperClient<HttpConnector, Full<Bytes>>;

pub(crate) fn client() -> Client {
    HyperClient::builder(TokioExecutor::new()).build_http()
}

pub(crate) fn propagator() -> CompositePropagator {
    "tracecontext,baggage".parse().unwrap()
}

/// A layer that does not depend on anything global.
pub(crate) fn layer(recorder: &Recorder) -> ClientLayer {
    ClientLayer::new()
        .tracer_provider(&recorder.tracer_provider())
        .propagator(propagator())
}

/// What a server was sent.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<HeaderMap>>>);

impl Seen {
    /// The headers of the requests so far, in their order.
    pub(crate) fn heads(&self) -> Vec<HeaderMap> {
        self.0.lock().unwrap().clone()
    }

    /// The values of a header, by request.
    pub(crate) fn header(&self, name: &str) -> Vec<Option<String>> {
        let text = |head: &HeaderMap| Some(head.get(name)?.to_str().unwrap().to_owned());
        self.heads().iter().map(text).collect()
    }
}

/// Serves on the current runtime, as long as that runs. `/status/404` answers 404; everything else says `hello`.
pub(crate) async fn serve() -> (SocketAddr, Seen) {
    let seen = Seen::default();
    let answer = |State(Seen(seen)): State<Seen>, request: AxumRequest| async move {
        seen.lock().unwrap().push(request.headers().clone());
        let status = request.uri().path().strip_prefix("/status/");
        let status = status.and_then(|status| status.parse().ok());
        let status = status.and_then(|status| http::StatusCode::from_u16(status).ok());
        (status.unwrap_or_default(), "hello")
    };
    let app = Router::new().fallback(answer).with_state(seen.clone());
    let address = serve_app(app).await;
    (address, seen)
}

pub(crate) async fn serve_app(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Request<Full<Bytes>> {
    let uri = format!("http://{address}{path}");
    Request::get(uri).body(Full::default()).unwrap()
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

/// Runs the future inside a span `work`, which ends with it.
pub(crate) fn in_work<T>(recorder: &Recorder, future: impl Future<Output = T>) -> T {
    let tracer = recorder.tracer_provider().tracer("test");
    let context = Context::new().with_span(tracer.start("work"));
    let result = block_on(future.with_context(context.clone()));
    context.span().end();
    result
}

/// The calls of a trace whose root is `work`, in their order. There is nothing else in it.
#[track_caller]
pub(crate) fn calls(trace: &Trace) -> Vec<Span> {
    let mut calls = trace.children(trace.span("work").unwrap());
    calls.sort_by_key(|span| span.start());
    assert_eq!(trace.spans().len(), calls.len() + 1, "{trace}");
    for call in &calls {
        assert_eq!(call.kind(), &SpanKind::Client, "{trace}");
    }
    calls.into_iter().cloned().collect()
}

#[track_caller]
pub(crate) fn only_call(recorder: &Recorder) -> Span {
    let trace = recorder.trace();
    let calls = calls(&trace);
    assert_eq!(calls.len(), 1, "{trace}");
    calls[0].clone()
}

/// The `traceparent` that names this span.
pub(crate) fn traceparent(span: &Span) -> String {
    format!("00-{}-{}-01", span.trace_id(), span.span_id())
}

/// The status code, and the error type with the status that belongs to it.
#[track_caller]
pub(crate) fn assert_ended(span: &Span, status: Option<i64>, error_type: Option<&str>) {
    let code = span.attribute("http.response.status_code");
    assert_eq!(code, status.map(Value::I64).as_ref(), "{span:?}");
    let error = error_type.map(|it| Value::from(it.to_owned()));
    assert_eq!(span.attribute("error.type"), error.as_ref(), "{span:?}");
    let marked = error_type.map_or(Status::Unset, |_| Status::error(""));
    assert_eq!(span.status(), &marked, "{span:?}");
    assert!(span.events().is_empty(), "{span:?}");
}
