//! Requests of a client that look like gRPC calls.

use std::convert::Infallible;
use std::net::SocketAddr;

use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::rt::{TokioExecutor, TokioIo};
use otel_testkit::{Recorder, Span};
use otel_tower::ClientLayer;
use tokio::net::TcpListener;
use tower::{Layer as _, ServiceExt as _};

use crate::harness::{block_on, client_layer};
use crate::meters::Meters;

const GRPC: &str = "application/grpc";

/// Answers with the status and the `content-type` of the query: `/path?status&content-type`.
async fn answer(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let (status, kind) = request.uri().query().unwrap().split_once('&').unwrap();
    let response = Response::builder()
        .status(status.parse::<StatusCode>().unwrap())
        .header("content-type", kind);
    let response = match kind {
        GRPC => response.header("grpc-status", "0"),
        _ => response,
    };
    Ok(response.body(String::new()).unwrap())
}

async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
        let service = hyper::service::service_fn(answer);
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    });
    address
}

struct Sent {
    method: Method,
    /// The version that the request sets. `None` is the default of `http`.
    version: Option<Version>,
    is_http2: bool,
    target: String,
}

/// Sends the request and returns its span, and how often RPC and HTTP were measured.
fn send(sent: &Sent, options: impl FnOnce(ClientLayer) -> ClientLayer) -> (Span, usize, usize) {
    let recorder = Recorder::new();
    let meters = Meters::new();
    block_on(async {
        let address = serve().await;
        let mut client = HyperClient::builder(TokioExecutor::new());
        let client = client.http2_only(sent.is_http2).build_http::<String>();
        let layer = client_layer(&recorder).meter_provider(&meters.provider);
        let client = options(layer).layer(client);
        let mut request = Request::builder()
            .method(&sent.method)
            .uri(format!("http://{address}{}", sent.target))
            .header("content-type", "application/grpc");
        if let Some(version) = sent.version {
            request = request.version(version);
        }
        let response = client.oneshot(request.body(String::new()).unwrap()).await;
        response.unwrap().into_body().collect().await.unwrap();
    });
    let points = |name| meters.points(name).len();
    let rpc = points("rpc.client.call.duration");
    let http = points("http.client.request.duration");
    (recorder.spans()[0].clone(), rpc, http)
}

#[test]
fn the_answer_decides_whether_what_looks_like_a_call_is_one() {
    let (get, post) = (Method::GET, Method::POST);
    let http2 = Some(Version::HTTP_2);
    // method, version of the request, version of the connection, answer, whether it is a call
    let table = [
        (&get, None, false, "200&text/html", false),
        (&get, None, true, "200&application/grpc", false),
        (&get, http2, true, "200&application/grpc", false),
        (&post, None, false, "200&text/html", false),
        (&post, None, false, "200&application/grpc", false),
        (&post, None, true, "200&text/html", false),
        (&post, None, true, "502&text/html", false),
        (&post, None, true, "200&application/grpc", true),
        (&post, http2, true, "200&application/grpc", true),
        // tonic says that it sends a call, so this is a page of a proxy in between
        (&post, http2, true, "502&text/html", true),
    ];
    for (method, version, is_http2, answer, is_call) in table {
        let sent = Sent {
            method: method.clone(),
            version,
            is_http2,
            target: format!("/shop.Pricing/Quote?{answer}"),
        };
        let (span, rpc, http) = send(&sent, |layer| layer);
        let case = format!("{method} {version:?} {is_http2} {answer}: {span:?}");
        let of = |key| span.attribute(key).map(ToString::to_string);
        assert_eq!((rpc, http), if is_call { (1, 0) } else { (0, 1) }, "{case}");
        let mut keys: Vec<_> = span.attributes().iter().map(|it| &it.key).collect();
        keys.sort_unstable();
        let all = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), all, "{case}");
        assert_eq!(of("server.address").as_deref(), Some("127.0.0.1"), "{case}");
        assert_eq!(
            of("network.peer.address").as_deref(),
            Some("127.0.0.1"),
            "{case}"
        );
        if is_call {
            assert_eq!(span.name(), "shop.Pricing/Quote", "{case}");
            assert_eq!(of("rpc.system.name").as_deref(), Some("grpc"), "{case}");
            assert_eq!(of("url.full"), None, "{case}");
            let code = if answer.starts_with("502") {
                "UNAVAILABLE"
            } else {
                "OK"
            };
            assert_eq!(of("rpc.status_code").as_deref(), Some(code), "{case}");
        } else {
            assert_eq!(span.name(), method.as_str(), "{case}");
            assert_eq!(of("http.request.method").as_deref(), Some(method.as_str()));
            assert!(of("url.full").unwrap().ends_with(&sent.target), "{case}");
            assert_eq!(of("http.response.status_code").as_deref(), answer.get(..3));
            assert_eq!(of("rpc.system.name"), None, "{case}");
            assert_eq!(of("rpc.method"), None, "{case}");
        }
    }
}

#[test]
fn a_proxy_that_knows_its_methods_measures_the_pages_of_others_as_http() {
    for (answer, measured) in [
        ("200&text/html", (0, 1)),
        ("404&text/plain", (0, 1)),
        ("200&application/grpc", (1, 0)),
    ] {
        let sent = Sent {
            method: Method::POST,
            version: Some(Version::HTTP_2),
            is_http2: true,
            target: format!("/other.Pages/Read?{answer}"),
        };
        let (span, rpc, http) = send(&sent, |layer| layer.grpc_methods(["shop.Pricing/Quote"]));
        assert_eq!((rpc, http), measured, "{answer}: {span:?}");
    }
}
