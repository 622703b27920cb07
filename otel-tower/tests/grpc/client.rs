//! The client half where no server answers.

use std::convert::Infallible;
use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::{Request as HttpRequest, Response, Uri};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry::trace::SpanKind;
use otel_testkit::{Recorder, Span};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::harness::{Client, assert_ended, client_layer, in_work};

/// Asks once through this channel, and returns what the caller is told, and the CLIENT span.
fn ask(origin: &str, connect: impl AsyncFnOnce(Endpoint) -> Channel) -> (Code, Span) {
    let recorder = Recorder::new();
    let code = in_work(&recorder, async {
        let origin: Uri = origin.parse().unwrap();
        let channel = connect(Channel::builder(origin.clone())).await;
        let channel = client_layer(&recorder).origin(origin).layer(channel);
        let request = Request::new(String::new());
        let mut client = Client::new(channel);
        let answer = client.unary("/shop.Pricing/Quote", request);
        answer.await.unwrap_err().code()
    });
    let trace = recorder.trace();
    let [client] = trace.children(trace.span("work").unwrap())[..] else {
        panic!("{trace}")
    };
    assert_eq!(client.kind(), &SpanKind::Client);
    assert_eq!(client.name(), "shop.Pricing/Quote");
    (code, client.clone())
}

#[test]
fn a_server_that_cannot_be_reached_is_unavailable() {
    // Bound and closed again: no one listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let (code, client) = ask(&origin, async |channel| channel.connect_lazy());
    assert_eq!(code, Code::Unavailable);
    assert_ended(&client, Some("UNAVAILABLE"), Some("connect"));
}

#[test]
fn a_server_that_is_not_reached_in_time_is_unavailable() {
    let (code, client) = ask("http://pricing:50051", async |channel| {
        let never = service_fn(|_: Uri| std::future::pending::<io::Result<TokioIo<TcpStream>>>());
        let limit = Duration::from_millis(1);
        let channel = channel.connect_timeout(limit);
        channel.connect_with_connector_lazy(never)
    });
    // tonic has no code for it; no call's deadline has passed.
    assert_eq!(code, Code::Unknown);
    assert_ended(&client, Some("UNAVAILABLE"), Some("timeout"));
}

#[test]
fn a_connection_that_fails_is_unavailable_whatever_failed_inside_of_it() {
    let (code, client) = ask("http://pricing:50051", async |channel| {
        // A tunnel of HTTP/2 that was closed.
        let tunnel = service_fn(async |_: Uri| {
            Err::<TokioIo<TcpStream>, _>(h2::Error::from(h2::Reason::CANCEL))
        });
        channel.connect_with_connector_lazy(tunnel)
    });
    assert_eq!(code, Code::Unavailable);
    assert_ended(&client, Some("UNAVAILABLE"), Some("connect"));
}

/// A connection to a server that does this with it.
async fn connected<F>(channel: Endpoint, serve: impl FnOnce(TcpStream) -> F) -> Channel
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await;
    let (accepted, _) = listener.accept().await.unwrap();
    tokio::spawn(serve(accepted));
    let mut stream = stream.ok();
    let connector = service_fn(move |_: Uri| {
        let stream = stream.take().map(TokioIo::new);
        async { stream.ok_or_else(|| io::Error::other("one connection is all there is")) }
    });
    channel.connect_with_connector_lazy(connector)
}

#[test]
fn a_call_that_the_server_resets_has_the_code_that_its_caller_is_told() {
    let (code, client) = ask("http://pricing:50051", async |channel| {
        let reset = async |stream| {
            let reset = async |_: HttpRequest<Incoming>| Err::<Response<String>, _>("on purpose");
            let service = hyper::service::service_fn(reset);
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let serving = server.serve_connection(TokioIo::new(stream), service);
            let _ = serving.await;
        };
        connected(channel, reset).await
    });
    assert_eq!(code, Code::Internal);
    assert_ended(&client, Some("INTERNAL"), Some("request"));
}

#[test]
fn a_call_whose_connection_is_closed_has_the_code_that_its_caller_is_told() {
    let (code, client) = ask("http://pricing:50051", async |channel| {
        connected(channel, async |stream| drop(stream)).await
    });
    let told = format!("{code:?}").to_uppercase();
    assert_ended(&client, Some(&told), Some("request"));
}

#[test]
fn a_body_that_is_reset_has_the_code_of_the_reset_whatever_client_reads_it() {
    let recorder = Recorder::new();
    let read = Arc::new(Notify::new());
    let has_read = Arc::clone(&read);
    in_work(&recorder, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let service = hyper::service::service_fn(|_: HttpRequest<Incoming>| {
                let has_read = Arc::clone(&has_read);
                let reset = stream::once(async move {
                    has_read.notified().await;
                    Err("on purpose")
                });
                let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"\0")))]);
                let body = StreamBody::new(first.chain(reset).boxed());
                let response = Response::builder().header("content-type", "application/grpc");
                async { Ok::<_, Infallible>(response.body(body).unwrap()) }
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
        let mut client = HyperClient::builder(TokioExecutor::new());
        let client = client.http2_only(true).build_http::<String>();
        let request = HttpRequest::post(format!("http://{address}/shop.Pricing/Quote"))
            .header("content-type", "application/grpc")
            .body(String::new())
            .unwrap();
        let response = client_layer(&recorder).layer(client).oneshot(request).await;
        let mut body = response.unwrap().into_body();
        body.frame().await.unwrap().unwrap();
        read.notify_one();
        body.collect().await.unwrap_err();
    });
    let spans = recorder.spans();
    let client = spans.iter().find(|it| it.kind() == &SpanKind::Client);
    assert_ended(client.unwrap(), Some("INTERNAL"), Some("body"));
}

#[test]
fn a_channel_that_panics_is_an_error_of_the_call() {
    let recorder = Recorder::new();
    let panics = service_fn(|_: HttpRequest<String>| async {
        resume_unwind(Box::new(()));
        #[expect(unreachable_code, reason = "it says what is returned")]
        Ok::<Response<String>, Infallible>(Response::default())
    });
    let request = HttpRequest::post("http://shop/shop.Pricing/Quote")
        .header("content-type", "application/grpc")
        .body(String::new())
        .unwrap();
    let sending = client_layer(&recorder).layer(panics).oneshot(request);
    let sending = std::panic::AssertUnwindSafe(sending).catch_unwind();
    assert!(in_work(&recorder, sending).is_err());
    let spans = recorder.spans();
    let client = spans.iter().find(|it| it.kind() == &SpanKind::Client);
    assert_ended(client.unwrap(), Some("UNKNOWN"), Some("panic"));
}
