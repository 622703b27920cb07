//! Run with `cargo run -p otel-examples --bin proxy`, together with `--bin pricing`.
//!
//! A reverse proxy on hyper, without axum. Every request has a SERVER span, and a CLIENT span for the request to `UPSTREAM_URL`.
//! Variables: `LISTEN` (127.0.0.1:8086), `UPSTREAM_URL` (http://127.0.0.1:8081), and those of `otel_setup`.

use std::convert::Infallible;
use std::env;

use anyhow::Context as _;
use axum::body::Body;
use axum::http::uri::{Authority, Parts, Scheme};
use axum::http::{HeaderMap, Request, Response, StatusCode, Uri, Version};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use otel_core::RequestHead;
use otel_examples::listen;
use otel_tower::{ClientLayer, ServerLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _telemetry = otel_setup::init("proxy")?;
    let upstream = env::var("UPSTREAM_URL").unwrap_or_else(|_| "http://127.0.0.1:8081".to_owned());
    let upstream: Uri = upstream.parse()?;
    let upstream = upstream
        .authority()
        .context("UPSTREAM_URL has no host")?
        .clone();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let client = ClientLayer::new().layer(client);
    let forward = service_fn(move |request: Request<_>| {
        let (client, upstream) = (client.clone(), upstream.clone());
        async move {
            let answer = client.oneshot(sent_on(request, upstream)).await;
            Ok::<_, Infallible>(answer.map_or_else(|_| unreachable_upstream(), to_caller))
        }
    });
    let service = ServerLayer::new().route(route).layer(forward);
    let listener = listen("proxy", 8086).await?;
    let serving = async {
        loop {
            let (stream, _) = listener.accept().await?;
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let builder = auto::Builder::new(TokioExecutor::new());
                let connection = builder.serve_connection(TokioIo::new(stream), service);
                // If a client disconnects, this is an error. The span has recorded it.
                drop(connection.await);
            });
        }
    };
    tokio::select! {
        ended = serving => ended,
        () = otel_setup::shutdown_signal() => Ok(()),
    }
}

/// The proxy has no router, so this function returns the route for the names of its spans.
fn route<'a>(request: &RequestHead<'a>) -> Option<&'a str> {
    let is_quote = request.uri().path().starts_with("/quote/");
    is_quote.then_some("/quote/{sku}")
}

/// Makes the request to the upstream service. Headers of the caller's connection are removed (RFC 9110, 7.6.1).
fn sent_on<B>(mut request: Request<B>, upstream: Authority) -> Request<B> {
    let path = request.uri().path_and_query().cloned();
    let mut uri = Parts::default();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = Some(upstream);
    uri.path_and_query = path.or_else(|| "/".parse().ok());
    *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
    *request.version_mut() = Version::HTTP_11;
    request.headers_mut().remove("host");
    without_connection(request.headers_mut());
    request
}

fn to_caller<B>(response: Response<B>) -> Response<Body>
where
    B: hyper::body::Body<Data = axum::body::Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    let mut response = response.map(Body::new);
    *response.version_mut() = Version::default();
    without_connection(response.headers_mut());
    response
}

fn without_connection(headers: &mut HeaderMap) {
    let named: Vec<String> = headers
        .get_all("connection")
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(|name| name.trim().to_owned())
        .collect();
    for name in named {
        headers.remove(name.as_str());
    }
    for name in [
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ] {
        headers.remove(name);
    }
}

fn unreachable_upstream() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
