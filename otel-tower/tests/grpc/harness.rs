//! A real tonic server on a thread of its own, and a traced channel to it.

use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use futures_util::Stream;
use http::Uri;
use http::uri::PathAndQuery;
use opentelemetry::trace::{
    FutureExt as _, SpanKind, Status as SpanStatus, TraceContextExt as _, Tracer as _,
    TracerProvider as _,
};
use opentelemetry::{Context, Value};
use otel_core::propagation::CompositePropagator;
use otel_testkit::{Recorder, Span, Trace};
use otel_tower::{ClientLayer, ClientService, ServerLayer};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::client::GrpcService;
use tonic::codegen::{Body as HttpBody, Bytes, StdError};
use tonic::service::Routes;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status, Streaming};
use tower::Layer as _;

use crate::meters::{LIMIT, Meters};
use crate::service::{Codec, Pricing};

pub(crate) fn propagator() -> CompositePropagator {
    "tracecontext,baggage".parse().unwrap()
}

/// A running server; stopped when dropped.
pub(crate) struct Shop {
    pub(crate) address: SocketAddr,
    pub(crate) recorder: Recorder,
    pub(crate) meters: Meters,
    pub(crate) pricing: Pricing,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Shop {
    pub(crate) fn open() -> Self {
        Self::open_with(ServerLayer::grpc)
    }

    /// Opens one with these options of the layer. Its spans are `tracing` spans as well.
    pub(crate) fn open_with(
        options: impl FnOnce(ServerLayer) -> ServerLayer + Send + 'static,
    ) -> Self {
        let recorder = Recorder::new();
        let meters = Meters::new();
        let pricing = Pricing::default();
        let layer = ServerLayer::new()
            .tracer_provider(&recorder.tracer_provider())
            .meter_provider(&meters.provider)
            .propagator(propagator());
        let (stop, stopped) = oneshot::channel::<()>();
        let (announce, announced) = std::sync::mpsc::channel();
        let (recording, served) = (recorder.clone(), pricing.clone());
        let thread = thread::spawn(move || {
            // h2 has spans of its own below.
            let info = tracing::level_filters::LevelFilter::INFO;
            let subscriber = tracing_subscriber::layer::SubscriberExt::with(
                tracing_subscriber::registry(),
                tracing_subscriber::Layer::with_filter(recording.layer(), info),
            );
            let _subscriber = tracing::subscriber::set_default(subscriber);
            block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                announce.send(listener.local_addr().unwrap()).unwrap();
                let incoming = futures_util::stream::unfold(listener, |listener| async {
                    let accepted = listener.accept().await.map(|(socket, _)| socket);
                    Some((accepted, listener))
                });
                let routes = Routes::new(served);
                let server = Server::builder().layer(options(layer)).add_routes(routes);
                tokio::select! {
                    served = server.serve_with_incoming(incoming) => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self {
            address: announced.recv_timeout(LIMIT).unwrap(),
            recorder,
            meters,
            pricing,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn origin(&self) -> Uri {
        format!("http://{}", self.address).parse().unwrap()
    }

    pub(crate) fn client_layer(&self) -> ClientLayer {
        client_layer(&self.recorder)
            .meter_provider(&self.meters.provider)
            .origin(self.origin())
    }

    /// A traced channel, connected by its first call.
    pub(crate) fn client(&self) -> Client {
        let channel = Channel::builder(self.origin()).connect_lazy();
        Client::new(self.client_layer().layer(channel))
    }

    /// Runs the future inside a span `work`, which ends with it.
    pub(crate) fn in_work<T>(&self, future: impl Future<Output = T>) -> T {
        in_work(&self.recorder, future)
    }

    /// Lets the runtime go on, which carries a reset to the server, until this many spans have ended.
    pub(crate) async fn ended(&self, spans: usize) {
        let started = std::time::Instant::now();
        while self.recorder.spans().len() < spans {
            assert!(started.elapsed() < LIMIT, "{:?}", self.recorder.spans());
            tokio::task::yield_now().await;
        }
    }

    /// Waits until this many spans have ended and returns their one trace.
    #[track_caller]
    pub(crate) fn trace(&self, spans: usize) -> Trace {
        self.recorder
            .wait_for(|recorder| recorder.spans().len() >= spans, LIMIT)
            .unwrap();
        self.recorder.trace()
    }

    /// Waits for the spans of one call inside `work`: its CLIENT span, and the SERVER span below.
    #[track_caller]
    pub(crate) fn call(&self) -> [Span; 2] {
        let trace = self.trace(3);
        let [client] = trace.children(trace.span("work").unwrap())[..] else {
            panic!("one call was expected:\n{trace}")
        };
        let [server] = trace.children(client)[..] else {
            panic!("one server was expected:\n{trace}")
        };
        assert_eq!(client.kind(), &SpanKind::Client, "{trace}");
        assert_eq!(server.kind(), &SpanKind::Server, "{trace}");
        [client.clone(), server.clone()]
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the server panicked");
        }
    }
}

pub(crate) fn client_layer(recorder: &Recorder) -> ClientLayer {
    ClientLayer::new()
        .grpc()
        .tracer_provider(&recorder.tracer_provider())
        .propagator(propagator())
}

pub(crate) fn in_work<T>(recorder: &Recorder, future: impl Future<Output = T>) -> T {
    let tracer = recorder.tracer_provider().tracer("test");
    let context = Context::new().with_span(tracer.start("work"));
    let result = block_on(future.with_context(context.clone()));
    context.span().end();
    result
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

/// What tonic's generator writes for a client.
pub(crate) struct Client<S = ClientService<Channel>>(tonic::client::Grpc<S>);

impl<S> Client<S>
where
    S: GrpcService<tonic::body::Body>,
    S::Error: Into<StdError>,
    S::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <S::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
{
    pub(crate) fn new(channel: S) -> Self {
        Self(tonic::client::Grpc::new(channel))
    }

    pub(crate) fn with_origin(client: S, origin: Uri) -> Self {
        Self(tonic::client::Grpc::with_origin(client, origin))
    }

    pub(crate) async fn unary(
        &mut self,
        method: &'static str,
        request: Request<String>,
    ) -> Result<Response<String>, Status> {
        self.0.ready().await.map_err(not_ready)?;
        self.0.unary(request, path(method), Codec::default()).await
    }

    pub(crate) async fn server_streaming(
        &mut self,
        method: &'static str,
    ) -> Result<Streaming<String>, Status> {
        self.streamed(method, Request::new(String::new())).await
    }

    pub(crate) async fn streamed(
        &mut self,
        method: &'static str,
        request: Request<String>,
    ) -> Result<Streaming<String>, Status> {
        self.0.ready().await.map_err(not_ready)?;
        let codec = Codec::default();
        let response = self.0.server_streaming(request, path(method), codec);
        Ok(response.await?.into_inner())
    }

    pub(crate) async fn client_streaming(
        &mut self,
        method: &'static str,
        texts: impl Stream<Item = String> + Send + 'static,
    ) -> Result<String, Status> {
        self.0.ready().await.map_err(not_ready)?;
        let codec = Codec::default();
        let response = self
            .0
            .client_streaming(Request::new(texts), path(method), codec);
        Ok(response.await?.into_inner())
    }

    pub(crate) async fn streaming(
        &mut self,
        method: &'static str,
        texts: impl Stream<Item = String> + Send + 'static,
    ) -> Result<Streaming<String>, Status> {
        self.0.ready().await.map_err(not_ready)?;
        let codec = Codec::default();
        let response = self.0.streaming(Request::new(texts), path(method), codec);
        Ok(response.await?.into_inner())
    }
}

fn not_ready(error: impl Into<StdError>) -> Status {
    Status::unknown(error.into().to_string())
}

fn path(method: &'static str) -> PathAndQuery {
    PathAndQuery::from_static(method)
}

/// Asserts the status, and the marks of an error, or that there are none.
#[track_caller]
pub(crate) fn assert_ended(span: &Span, code: Option<&str>, error_type: Option<&str>) {
    let text = |text: Option<&str>| text.map(|text| Value::from(text.to_owned()));
    let attribute = |key| span.attribute(key).cloned();
    assert_eq!(attribute("rpc.status_code"), text(code), "{span:?}");
    assert_eq!(attribute("error.type"), text(error_type), "{span:?}");
    let marked = error_type.map_or(SpanStatus::Unset, |_| SpanStatus::error(""));
    assert_eq!(span.status(), &marked, "{span:?}");
    assert!(span.events().is_empty(), "{span:?}");
    assert!(!format!("{span:?}").contains("hunter2"), "{span:?}");
    let mut keys: Vec<_> = span.attributes().iter().map(|it| it.key.as_str()).collect();
    keys.sort_unstable();
    let all = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), all, "{span:?}");
}
