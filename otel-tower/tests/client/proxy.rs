//! A reverse proxy of hyper's pieces, made of the two layers.

use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Path;
use axum::routing::get as on_get;
use futures_util::future::join_all;
use http::uri::Authority;
use http::{Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt as _, Either, Empty, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use opentelemetry::Value;
use opentelemetry::trace::SpanKind;
use otel_core::RequestHead;
use otel_testkit::{Recorder, Trace};
use otel_tower::ServerLayer;
use tokio::net::TcpListener;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

use crate::harness::{layer, propagator};
use crate::meters::LIMIT;

/// How many are under way at once.
const REQUESTS: u64 = 1000;

fn server_layer(recorder: &Recorder) -> ServerLayer {
    ServerLayer::new()
        .tracer_provider(&recorder.tracer_provider())
        .propagator(propagator())
}

/// A router without axum.
fn route<'a>(request: &RequestHead<'a>) -> Option<&'a str> {
    let is_quote = request.uri().path().starts_with("/quote/");
    is_quote.then_some("/quote/{sku}")
}

/// Sends each request on to the service behind, over HTTP/2 where `http2` says so, and its answer back.
async fn proxy(recorder: &Recorder, behind: SocketAddr, http2: bool) -> SocketAddr {
    let client = HyperClient::builder(TokioExecutor::new())
        .http2_only(http2)
        .build_http::<Incoming>();
    let client = layer(recorder).layer(client);
    let behind: Authority = behind.to_string().parse().unwrap();
    let forward = service_fn(move |mut request: Request<Incoming>| {
        let (client, behind) = (client.clone(), behind.clone());
        let mut parts = Uri::builder().scheme("http").authority(behind);
        if let Some(path) = request.uri().path_and_query() {
            parts = parts.path_and_query(path.clone());
        }
        *request.uri_mut() = parts.build().unwrap();
        *request.version_mut() = Version::default();
        request.headers_mut().remove("host");
        async move {
            let answer = client.oneshot(request).await;
            Ok::<_, Infallible>(answer.map_or_else(
                |_| {
                    let mut refusal = Response::new(Either::Right(Empty::<Bytes>::new()));
                    *refusal.status_mut() = StatusCode::BAD_GATEWAY;
                    refusal
                },
                |response| response.map(Either::Left),
            ))
        }
    });
    serve(server_layer(recorder).route(route).layer(forward)).await
}

/// Serves over either version, with as many streams on a connection as there are requests.
async fn serve<S, B>(service: S) -> SocketAddr
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let mut builder = auto::Builder::new(TokioExecutor::new());
                builder.http2().max_concurrent_streams(2 * REQUESTS as u32);
                let connection = builder.serve_connection(TokioIo::new(stream), service);
                // A client that leaves ends it with an error.
                drop(connection.await);
            });
        }
    });
    address
}

fn traceparent(number: u64) -> String {
    format!("00-{:032x}-{number:016x}-01", u128::from(number))
}

fn check(http2: bool) {
    // Both ends of two connections for each request, over HTTP/1.1.
    let files = rlimit::increase_nofile_limit(5 * REQUESTS).unwrap();
    assert!(
        files > 4 * REQUESTS,
        "raise the limit of open files (`ulimit -n`), now {files}"
    );
    let recorder = Recorder::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // Answers when all are there, so that all are under way at once.
        let all = Arc::new(tokio::sync::Barrier::new(REQUESTS as usize));
        let quote = |Path(sku): Path<String>| async move {
            all.wait().await;
            format!("{sku} costs 3")
        };
        let app = Router::new().route("/quote/{sku}", on_get(quote));
        let behind = serve(app.layer(server_layer(&recorder))).await;
        let proxy = proxy(&recorder, behind, http2).await;
        let client = HyperClient::builder(TokioExecutor::new())
            .http2_only(http2)
            .build_http::<Full<Bytes>>();
        let ask = async |number: u64| {
            let request = Request::get(format!("http://{proxy}/quote/{number}"))
                .header("traceparent", traceparent(number))
                .body(Full::default())
                .unwrap();
            let response = client.request(request).await.unwrap();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, format!("{number} costs 3"));
        };
        let asking = join_all((1..=REQUESTS).map(ask));
        tokio::time::timeout(LIMIT * 3, asking).await.unwrap();
    });
    // The last span ends when its connection's task gets to it.
    let spans = 3 * usize::try_from(REQUESTS).unwrap();
    recorder
        .wait_for(|recorder| recorder.spans().len() >= spans, LIMIT)
        .unwrap();
    let traces = recorder.traces();
    let by_id: HashMap<_, &Trace> = traces.iter().map(|trace| (trace.id(), trace)).collect();
    assert_eq!(by_id.len(), REQUESTS as usize);
    let version = Value::from(if http2 { "2" } else { "1.1" });
    for number in 1..=REQUESTS {
        let trace = by_id[&u128::from(number).into()];
        let mut parent = number.into();
        for (kind, name) in [
            (SpanKind::Server, "GET /quote/{sku}"),
            (SpanKind::Client, "GET"),
            (SpanKind::Server, "GET /quote/{sku}"),
        ] {
            let found = trace.spans().iter();
            let found: Vec<_> = found
                .filter(|span| span.parent_span_id() == Some(parent))
                .collect();
            assert_eq!(found.len(), 1, "{trace}");
            let span = found[0];
            assert_eq!((span.kind(), span.name()), (&kind, name), "{trace}");
            let status = span.attribute("http.response.status_code");
            assert_eq!(status, Some(&200.into()), "{trace}");
            let spoken = span.attribute("network.protocol.version");
            assert_eq!(spoken, Some(&version), "{trace}");
            parent = span.span_id();
        }
        assert_eq!(trace.spans().len(), 3, "{trace}");
    }
}

#[test]
fn a_thousand_requests_at_once_keep_their_parents_over_http1() {
    check(false);
}

#[test]
fn a_thousand_requests_at_once_keep_their_parents_over_http2() {
    check(true);
}
