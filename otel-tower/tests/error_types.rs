//! `error.type` for the errors of services: the same with every set of features, and never the name of a type that says nothing.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use axum::body::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry::Value;
use otel_testkit::Recorder;
use otel_tower::{ClientLayer, EndAt, ServerLayer};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

type BoxError = Box<dyn Error + Send + Sync>;
type Body = Full<Bytes>;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::default()).unwrap()
}

/// Returns the `error.type` of the only span.
fn error_type(recorder: &Recorder) -> String {
    let spans = recorder.spans();
    let [span] = &spans[..] else {
        panic!("{spans:?}")
    };
    match span.attribute("error.type") {
        Some(Value::String(name)) => name.to_string(),
        other => panic!("{other:?}"),
    }
}

fn client_layer(recorder: &Recorder) -> ClientLayer {
    ClientLayer::new().tracer_provider(&recorder.tracer_provider())
}

fn server_layer(recorder: &Recorder) -> ServerLayer {
    ServerLayer::new()
        .without_tracing_span()
        .tracer_provider(&recorder.tracer_provider())
}

fn failing<E: 'static>(
    error: impl Fn() -> E + Clone,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = E> {
    service_fn(move |_| std::future::ready(Err(error())))
}

/// Returns the `error.type` of a client whose service fails in this way.
fn of_client<E: 'static>(
    set: impl Fn(ClientLayer) -> ClientLayer,
    error: impl Fn() -> E + Clone,
) -> String {
    let recorder = Recorder::new();
    let client = set(client_layer(&recorder)).layer(failing(error));
    assert!(block_on(client.oneshot(get("http://shop/"))).is_err());
    error_type(&recorder)
}

/// Returns the `error.type` of a server whose service fails in this way.
fn of_server<E: 'static>(
    set: impl Fn(ServerLayer) -> ServerLayer,
    error: impl Fn() -> E + Clone,
) -> String {
    let recorder = Recorder::new();
    let server = set(server_layer(&recorder)).layer(failing(error));
    assert!(block_on(server.oneshot(get("/"))).is_err());
    error_type(&recorder)
}

#[derive(Debug, Clone, Copy)]
enum ShopError {
    SoldOut,
    Closed,
    Odd,
}

impl ShopError {
    fn kind(&self) -> Option<&'static str> {
        match self {
            Self::SoldOut => Some("sold_out"),
            Self::Closed => Some("closed"),
            Self::Odd => None,
        }
    }
}

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hunter2")
    }
}

impl Error for ShopError {}

#[derive(Debug)]
struct Wrapped(ShopError);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shop failed")
    }
}

impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// An address where nobody listens.
async fn refuses() -> String {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/", closed.local_addr().unwrap())
}

/// An address where each request is read, and the connection then closed.
async fn hangs_up() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
        }
    });
    format!("http://{address}/")
}

#[test]
fn a_client_s_error_type_is_the_same_with_and_without_features() {
    for expected in ["connect", "request", "dns"] {
        for cover in ["none", "box", "arc"] {
            let recorder = Recorder::new();
            let is_error = block_on(async {
                let request = get(&match expected {
                    "connect" => refuses().await,
                    "request" => hangs_up().await,
                    _ => "http://nowhere.invalid/".to_owned(),
                });
                let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
                let layer = client_layer(&recorder);
                match cover {
                    "none" => layer.layer(client).oneshot(request).await.is_err(),
                    "box" => {
                        let client = client.map_err(BoxError::from);
                        layer.layer(client).oneshot(request).await.is_err()
                    }
                    _ => {
                        let client = client.map_err(Arc::new);
                        layer.layer(client).oneshot(request).await.is_err()
                    }
                }
            });
            assert!(is_error, "{expected}, {cover}");
            assert_eq!(error_type(&recorder), expected, "{cover}");
        }
    }
}

#[test]
fn hyper_s_own_error_is_a_failed_request_without_a_feature_too() {
    for is_boxed in [false, true] {
        let recorder = Recorder::new();
        block_on(async {
            let address = hangs_up().await;
            let address = address.trim_start_matches("http://").trim_end_matches('/');
            let stream = TcpStream::connect(address).await.unwrap();
            let (sender, connection) =
                hyper::client::conn::http1::handshake::<_, Body>(TokioIo::new(stream))
                    .await
                    .unwrap();
            tokio::spawn(connection);
            let sender = tokio::sync::Mutex::new(sender);
            let layer = client_layer(&recorder);
            let send = async |request| sender.lock().await.send_request(request).await;
            if is_boxed {
                let error = send(get("/")).await.unwrap_err();
                let error = std::cell::Cell::new(Some(error));
                let failing = service_fn(|_: Request<Body>| {
                    std::future::ready(Err::<Response<Body>, BoxError>(
                        error.take().unwrap().into(),
                    ))
                });
                assert!(layer.layer(failing).oneshot(get("/")).await.is_err());
            } else {
                let client = service_fn(send);
                assert!(layer.layer(client).oneshot(get("/")).await.is_err());
            }
        });
        assert_eq!(error_type(&recorder), "request");
    }
}

#[test]
fn tonic_s_errors_in_a_box_are_known_without_a_feature() {
    let plain = |layer: ClientLayer| layer;
    let timeout = || BoxError::from(tonic::TimeoutExpired(()));
    assert_eq!(of_client(plain, timeout), "timeout");
    let connect = || BoxError::from(tonic::ConnectError(BoxError::from("hunter2")));
    assert_eq!(of_client(plain, connect), "connect");
    let recorder = Recorder::new();
    block_on(async {
        let channel = tonic::transport::Endpoint::from_shared(refuses().await);
        let channel = channel.unwrap().connect_lazy().map_err(BoxError::from);
        let request = Request::get("/").body(tonic::body::Body::empty()).unwrap();
        let client = client_layer(&recorder).layer(channel);
        assert!(client.oneshot(request).await.is_err());
    });
    assert_eq!(error_type(&recorder), "connect");
}

#[test]
fn a_type_that_names_no_error_is_other() {
    let plain = |layer: ClientLayer| layer;
    for found in [
        of_client(plain, || "hunter2"),
        of_client(plain, || "hunter2".to_owned()),
        of_client(plain, || Cow::Borrowed("hunter2")),
        of_client(plain, || -> Box<str> { "hunter2".into() }),
        of_client(plain, || ()),
        of_client(plain, || (ShopError::Odd, 1)),
        of_client(plain, || [ShopError::Odd]),
        of_client(plain, || 404_u16),
        of_client(plain, || None::<()>),
        of_client(plain, || || "hunter2"),
        of_client(plain, || BoxError::from("hunter2")),
        of_client(plain, || -> Box<dyn Error> { "hunter2".into() }),
        of_client(plain, || -> Box<dyn Error + Send> {
            Box::new(ShopError::Odd)
        }),
        of_client(plain, || -> Arc<dyn Error + Send + Sync> {
            Arc::new(ShopError::Odd)
        }),
        of_client(plain, || -> Arc<dyn Error> { Arc::new(ShopError::Odd) }),
    ] {
        assert_eq!(found, "_OTHER");
    }
}

#[test]
fn a_pointer_and_a_closure_do_not_hide_the_type_of_an_error() {
    let plain = |layer: ClientLayer| layer;
    let own = "error_types::ShopError";
    for found in [
        of_client(plain, || ShopError::Odd),
        of_client(plain, || Box::new(ShopError::Odd)),
        of_client(plain, || Arc::new(ShopError::Odd)),
        of_client(plain, || Arc::new(Box::new(ShopError::Odd))),
        of_client(plain, || Some(ShopError::Odd)),
        of_client(plain, || &ShopError::Odd),
    ] {
        assert_eq!(found, own);
    }
    let local = || {
        struct Failed;
        of_client(plain, || Failed)
    };
    assert_eq!(local(), "Failed");
    let timed_out = || Arc::new(io::Error::from(io::ErrorKind::TimedOut));
    assert_eq!(of_client(plain, timed_out), "timeout");
    let erased = || -> Arc<dyn Error + Send + Sync> {
        Arc::new(io::Error::from(io::ErrorKind::ConnectionRefused))
    };
    assert_eq!(of_client(plain, erased), "connect");
    let elapsed = || BoxError::from(io::Error::from(io::ErrorKind::BrokenPipe));
    assert_eq!(of_client(plain, elapsed), "request");
}

#[test]
fn an_application_s_enum_names_its_variants_on_both_sides() {
    let client = |layer: ClientLayer| layer.error_type(ShopError::kind);
    let server = |layer: ServerLayer| layer.error_type(ShopError::kind);
    for (error, name) in [
        (ShopError::SoldOut, "sold_out"),
        (ShopError::Closed, "closed"),
    ] {
        for found in [
            of_client(client, move || error),
            of_client(client, move || Box::new(error)),
            of_client(client, move || Arc::new(error)),
            of_client(client, move || BoxError::from(error)),
            of_client(client, move || BoxError::from(Wrapped(error))),
            of_client(client, move || BoxError::from(Arc::new(error))),
            of_client(client, move || -> Arc<dyn Error> {
                Arc::new(Wrapped(error))
            }),
            of_server(server, move || error),
            of_server(server, move || Arc::new(error)),
            of_server(server, move || BoxError::from(Wrapped(error))),
        ] {
            assert_eq!(found, name);
        }
    }
    let odd = || ShopError::Odd;
    assert_eq!(of_client(client, odd), "error_types::ShopError");
    assert_eq!(of_server(server, odd), "service_error");
    assert_eq!(of_server(server, || "hunter2"), "service_error");
    // Further functions add, the first name counts, and one that panics counts for nothing.
    let several = |layer: ServerLayer| {
        layer
            .error_type(|error: &ShopError| matches!(error, ShopError::Closed).then_some("shut"))
            .error_type(ShopError::kind)
            .error_type(|_: &io::Error| "io")
            .error_type(|_: &fmt::Error| -> &'static str { panic!("on purpose") })
    };
    assert_eq!(of_server(several, || ShopError::Closed), "shut");
    assert_eq!(of_server(several, || ShopError::SoldOut), "sold_out");
    assert_eq!(of_server(several, || io::Error::other("hunter2")), "io");
    assert_eq!(of_server(several, || fmt::Error), "service_error");
}

#[test]
fn the_error_of_a_response_body_can_be_named_too() {
    let recorder = Recorder::new();
    let layer = client_layer(&recorder)
        .end_at(EndAt::Body)
        .error_type(ShopError::kind);
    let service = service_fn(|_: Request<Body>| async {
        let body =
            futures_util::stream::iter([Err::<http_body::Frame<Bytes>, _>(ShopError::SoldOut)]);
        Ok::<_, io::Error>(Response::new(http_body_util::StreamBody::new(body)))
    });
    block_on(async {
        let response = layer.layer(service).oneshot(get("http://shop/")).await;
        assert!(response.unwrap().into_body().collect().await.is_err());
    });
    assert_eq!(error_type(&recorder), "sold_out");
}
