//! A server with HTTP and gRPC, its clients, and the subscribers in which they run.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use http::uri::PathAndQuery;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, SdkTracerProvider, SpanData, TracerProviderBuilder,
};
use otel_tower::{ClientLayer, ServerLayer};
use tokio::net::TcpListener;
use tonic::Status;
use tonic::body::Body;
use tonic::server::Grpc;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tracing::{Dispatch, dispatcher};

type Codec = ProstCodec<String, String>;

/// A provider and the spans that it has exported.
pub(crate) struct Spans {
    pub(crate) provider: SdkTracerProvider,
    exporter: InMemorySpanExporter,
}

impl Spans {
    pub(crate) fn new() -> Self {
        Self::with(SdkTracerProvider::builder())
    }

    pub(crate) fn with(builder: TracerProviderBuilder) -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = builder.with_simple_exporter(exporter.clone()).build();
        Self { provider, exporter }
    }

    pub(crate) fn all(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().unwrap()
    }

    pub(crate) fn of_kind(&self, kind: &SpanKind) -> Vec<SpanData> {
        let mut spans = self.all();
        spans.retain(|span| span.span_kind == *kind);
        spans
    }

    /// The only SERVER span.
    #[track_caller]
    pub(crate) fn server(&self) -> SpanData {
        let mut spans = self.of_kind(&SpanKind::Server);
        assert_eq!(spans.len(), 1, "{:?}", self.all());
        spans.remove(0)
    }
}

/// Serves both protocols with the layer, and runs the client, all on this thread and in this subscriber.
pub(crate) fn run<F: Future>(dispatch: &Dispatch, client: impl FnOnce(SocketAddr) -> F) {
    run_with(dispatch, ServerLayer::new(), client);
}

pub(crate) fn run_with<F: Future>(
    dispatch: &Dispatch,
    layer: ServerLayer,
    client: impl FnOnce(SocketAddr) -> F,
) {
    dispatcher::with_default(dispatch, || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let app = app(layer.grpc()).into_make_service_with_connect_info::<SocketAddr>();
            tokio::select! {
                served = axum::serve(listener, app) => served.unwrap(),
                _ = client(address) => {}
            }
        });
    });
}

fn app(layer: ServerLayer) -> Router {
    Router::new()
        .route("/orders/{id}", get(order))
        .route("/health", get(|| async { "well" }))
        .route_service("/shop.Orders/Place", service_fn(place))
        .layer(layer)
}

async fn order(Path(id): Path<String>) -> String {
    tracing::info!("found");
    tracing::info_span!("load").in_scope(|| tracing::debug!("from disk"));
    format!("order {id}")
}

/// A handler that logs an error and answers that the caller has made it.
async fn place(request: Request<axum::body::Body>) -> Result<http::Response<Body>, Infallible> {
    let answer = service_fn(|_: tonic::Request<String>| async {
        tracing::error!("no such article");
        tracing::error!(error = "no such article");
        Err::<tonic::Response<String>, _>(Status::invalid_argument("no such article"))
    });
    Ok(Grpc::new(Codec::default()).unary(answer, request).await)
}

/// Sends a request and reads the response to its end.
pub(crate) async fn get_from(layer: &ClientLayer, address: SocketAddr, path: &str) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::get(format!("http://{address}{path}"))
        .header("user-agent", "test")
        .body(Empty::<axum::body::Bytes>::new())
        .unwrap();
    let response = layer.layer(client).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body().collect().await.unwrap();
}

/// Calls a method, and returns the error.
pub(crate) async fn call(layer: ClientLayer, address: SocketAddr) -> Status {
    let origin: Uri = format!("http://{address}").parse().unwrap();
    let channel = Channel::builder(origin.clone()).connect_lazy();
    let channel = layer.grpc().origin(origin).layer(channel);
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static("/shop.Orders/Place");
    let request = tonic::Request::new("apple".to_owned());
    let answer = client.unary(request, path, Codec::default()).await;
    answer.map(tonic::Response::into_inner).unwrap_err()
}

/// A client whose spans the provider makes.
pub(crate) fn client_layer(spans: &Spans) -> ClientLayer {
    ClientLayer::new().tracer_provider(&spans.provider)
}
