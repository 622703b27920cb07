//! The flush layer on a real server, with the default schedules: nothing else exports within a test.
#![cfg(feature = "tower")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use axum::routing::get;
use http_body::Frame;
use otel_setup::Telemetry;
use otel_tower::ServerLayer;
use tokio::runtime::Runtime;
use tower_layer::Layer as _;
use tower_service::Service;

use self::support::child::in_own_process;
use self::support::{Endpoint, LIMIT, Mood, wait_until};

fn start(endpoint: &Endpoint, limit: Duration) -> Telemetry {
    let builder = otel_setup::builder().service_name("checkout");
    let builder = builder.otlp_endpoint(endpoint.url()).flush_limit(limit);
    support::span_layer::with_span_layer(builder)
        .init()
        .unwrap()
}

/// What a body does next.
enum Step {
    Data(&'static str),
    Trailers,
    Fails,
    Panics,
    /// Is ready when it is polled again.
    Waits,
    /// Never ends, but keeps its sender.
    StaysOpen,
}

/// A body without a known length.
struct Steps(VecDeque<Step>);

impl Steps {
    fn body(steps: impl IntoIterator<Item = Step>) -> Body {
        Body::new(Self(steps.into_iter().collect()))
    }
}

impl http_body::Body for Steps {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        if matches!(self.0.front(), Some(Step::StaysOpen)) {
            return Poll::Pending;
        }
        Poll::Ready(match self.0.pop_front() {
            Some(Step::Data(text)) => Some(Ok(Frame::data(Bytes::from_static(text.as_bytes())))),
            Some(Step::Trailers) => {
                let mut trailers = HeaderMap::new();
                trailers.insert("x-sum", "42".parse().unwrap());
                Some(Ok(Frame::trailers(trailers)))
            }
            Some(Step::Fails) => Some(Err("broken")),
            Some(Step::Panics) => panic!("broken"),
            Some(Step::Waits) => {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Step::StaysOpen) | None => None,
        })
    }
}

/// A route for each kind of body.
fn routes() -> Router {
    use Step::{Data, Fails, Panics, StaysOpen, Trailers, Waits};

    let announced = |length: &'static str, body: fn() -> Body| {
        get(move || async move { ([("content-length", length)], body()) })
    };
    Router::new()
        .route("/text", get(|| async { "hello" }))
        .route("/empty", get(|| async { "" }))
        .route("/no-content", get(|| async { StatusCode::NO_CONTENT }))
        .route("/not-modified", get(|| async { StatusCode::NOT_MODIFIED }))
        .route(
            "/failure",
            get(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "broken") }),
        )
        .route(
            "/stream",
            get(|| async { Steps::body([Data("hel"), Data("lo")]) }),
        )
        .route("/empty-stream", get(|| async { Steps::body([]) }))
        .route(
            "/trailers",
            get(|| async {
                let body = Steps::body([Data("hel"), Data("lo"), Trailers]);
                ([("trailer", "x-sum")], body)
            }),
        )
        .route(
            "/proxied",
            announced("5", || Steps::body([Data("hel"), Data("lo")])),
        )
        .route(
            "/proxied-in-empty-frames",
            announced("5", || {
                Steps::body([Data(""), Data("hello"), Data(""), Data("")])
            }),
        )
        .route(
            "/proxied-and-kept-open",
            announced("5", || Steps::body([Data("hel"), Data("lo"), StaysOpen])),
        )
        .route(
            "/proxied-nothing-and-kept-open",
            announced("0", || Steps::body([StaysOpen])),
        )
        .route(
            "/proxied-with-trailers",
            announced("5", || Steps::body([Data("hello"), Trailers])),
        )
        .route(
            "/proxied-with-late-trailers",
            announced("5", || Steps::body([Data("hello"), Waits, Trailers])),
        )
        .route(
            "/broken",
            get(|| async { Steps::body([Data("hel"), Fails]) }),
        )
        .route(
            "/broken-by-a-panic",
            get(|| async { Steps::body([Data("hel"), Panics]) }),
        )
        .route("/panic", get(panic))
        .route(
            "/open",
            get(|| async { Steps::body([Data("hello"), StaysOpen]) }),
        )
}

async fn panic() {
    panic!("broken");
}

/// Serves until the process ends.
fn serve(app: Router) -> SocketAddr {
    let (sender, address) = mpsc::channel();
    std::thread::spawn(move || {
        Runtime::new().unwrap().block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    address.recv().unwrap()
}

/// A connection of HTTP/1.1 that reads no byte too much.
struct Client(BufReader<TcpStream>);

impl Client {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Self(BufReader::new(stream))
    }

    fn send(&mut self, method: &str, path: &str) {
        let request =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nte: trailers\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_ascii_lowercase()
    }

    fn head(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.line() {
                line if line.is_empty() => return lines,
                line => lines.push(line),
            }
        }
    }

    /// Returns a chunk of a body without a known length, and `None` at its end.
    fn chunk(&mut self) -> Option<String> {
        let length = usize::from_str_radix(&self.line(), 16).unwrap_or(0);
        if length == 0 {
            return None;
        }
        let mut chunk = vec![0; length + 2];
        self.0.read_exact(&mut chunk).unwrap();
        chunk.truncate(length);
        Some(String::from_utf8(chunk).unwrap())
    }

    /// Returns the head and the body as soon as the response is complete.
    fn fetch(&mut self, method: &str, path: &str) -> (Vec<String>, String) {
        self.send(method, path);
        let head = self.head();
        let has_body = method != "HEAD" && !head[0].contains(" 204") && !head[0].contains(" 304");
        let length = head
            .iter()
            .find_map(|it| it.strip_prefix("content-length: "));
        let mut text = String::new();
        match length {
            _ if !has_body => {}
            Some(length) => {
                let mut body = vec![0; length.parse().unwrap()];
                self.0.read_exact(&mut body).unwrap();
                text = String::from_utf8(body).unwrap();
            }
            None => {
                while let Some(chunk) = self.chunk() {
                    text += &chunk;
                }
                for trailer in self.head() {
                    text += &trailer;
                }
            }
        }
        (head, text)
    }
}

const METHODS_AND_PATHS: [(&str, &str, &str); 18] = [
    ("GET", "/text", "hello"),
    ("GET", "/empty", ""),
    ("GET", "/no-content", ""),
    ("GET", "/not-modified", ""),
    ("GET", "/failure", "broken"),
    ("GET", "/missing", ""),
    ("GET", "/stream", "hello"),
    ("GET", "/empty-stream", ""),
    ("GET", "/trailers", "hellox-sum: 42"),
    ("GET", "/proxied", "hello"),
    ("GET", "/proxied-in-empty-frames", "hello"),
    ("GET", "/proxied-and-kept-open", "hello"),
    ("GET", "/proxied-nothing-and-kept-open", ""),
    ("GET", "/proxied-with-trailers", "hello"),
    ("GET", "/proxied-with-late-trailers", "hello"),
    ("HEAD", "/text", ""),
    ("HEAD", "/stream", ""),
    ("POST", "/text", ""),
];

#[test]
fn the_server_span_is_exported_before_the_client_has_the_whole_response() {
    let name = "the_server_span_is_exported_before_the_client_has_the_whole_response";
    in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(&endpoint, LIMIT);
        let traced = routes().layer(ServerLayer::new());
        let app = traced.clone().layer(telemetry.flush_layer());
        let mut flushed = Client::new(serve(app));
        for (number, (method, path, expected)) in METHODS_AND_PATHS.into_iter().enumerate() {
            let (head, body) = flushed.fetch(method, path);
            let spans = endpoint.spans();
            assert_eq!(spans.len(), number + 1, "{method} {path}: {spans:?}");
            assert_eq!(body, expected, "{method} {path}: {head:?}");
        }
        let flushed = endpoint.spans().len();
        // Without the layer the spans wait for the schedule, and the heads are the same.
        let mut plain = Client::new(serve(traced));
        for (method, path, expected) in METHODS_AND_PATHS {
            assert_eq!(plain.fetch(method, path).1, expected);
        }
        assert_eq!(endpoint.spans().len(), flushed);
    });
}

#[test]
fn the_flush_layer_leaves_heads_as_they_are() {
    in_own_process("the_flush_layer_leaves_heads_as_they_are", &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(&endpoint, LIMIT);
        let mut plain = Client::new(serve(routes()));
        let mut flushed = Client::new(serve(routes().layer(telemetry.flush_layer())));
        for (method, path, _) in METHODS_AND_PATHS {
            let [plain, flushed] = [&mut plain, &mut flushed].map(|client| {
                let (mut head, _) = client.fetch(method, path);
                head.retain(|line| !line.starts_with("date: "));
                head.sort_unstable();
                head
            });
            assert_eq!(flushed, plain, "{method} {path}");
        }
    });
}

#[test]
fn frames_pass_before_the_flush_and_the_end_waits_for_the_limit() {
    let name = "frames_pass_before_the_flush_and_the_end_waits_for_the_limit";
    in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Hangs);
        let limit = Duration::from_millis(300);
        let telemetry = start(&endpoint, limit);
        let app = routes().layer(ServerLayer::new());
        let mut client = Client::new(serve(app.layer(telemetry.flush_layer())));
        // The stream stays open: nothing is flushed.
        client.send("GET", "/open");
        assert!(client.head()[0].contains("200"));
        assert_eq!(client.chunk().unwrap(), "hello");
        assert!(endpoint.requests().is_empty(), "{:?}", endpoint.requests());
        let mut client = Client::new(client.0.get_ref().peer_addr().unwrap());
        for path in ["/stream", "/text", "/no-content"] {
            let start = Instant::now();
            client.fetch("GET", path);
            assert!(start.elapsed() >= limit, "{path}");
        }
    });
}

#[test]
fn a_response_that_fails_is_flushed_before_the_connection_breaks() {
    let name = "a_response_that_fails_is_flushed_before_the_connection_breaks";
    in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(&endpoint, LIMIT);
        let app = routes().layer(ServerLayer::new());
        let address = serve(app.layer(telemetry.flush_layer()));
        let mut expected = Vec::new();
        for path in ["/broken", "/broken-by-a-panic", "/panic"] {
            let mut client = Client::new(address);
            client.send("GET", path);
            // Until the connection is closed.
            let mut response = String::new();
            let _ = client.0.read_to_string(&mut response);
            assert!(!response.contains("\r\n0\r\n"), "{response}");
            expected.push(format!("GET {path}"));
            assert_eq!(endpoint.spans(), expected);
        }
    });
}

#[test]
fn a_client_that_leaves_early_breaks_nothing() {
    in_own_process("a_client_that_leaves_early_breaks_nothing", &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(&endpoint, LIMIT);
        let app = routes().layer(ServerLayer::new());
        let address = serve(app.layer(telemetry.flush_layer()));
        let mut leaving = Client::new(address);
        leaving.send("GET", "/open");
        assert_eq!(leaving.head()[0], "http/1.1 200 ok");
        assert_eq!(leaving.chunk().unwrap(), "hello");
        drop(leaving);
        // Each request flushes, also what was not flushed before.
        wait_until(
            || {
                Client::new(address).fetch("GET", "/text");
                endpoint.spans()
            },
            |spans| spans.iter().any(|it| it == "GET /open"),
        );
    });
}

#[test]
fn the_flush_layer_works_over_http_2() {
    in_own_process("the_flush_layer_works_over_http_2", &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(&endpoint, LIMIT);
        let app = routes().layer(ServerLayer::new());
        let address = serve(app.layer(telemetry.flush_layer()));
        Runtime::new().unwrap().block_on(async {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let (client, connection) = h2::client::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            let table = [
                ("GET", "/text", "hello"),
                ("GET", "/empty", ""),
                ("GET", "/no-content", ""),
                ("GET", "/stream", "hello"),
                ("GET", "/trailers", "hello42"),
                ("GET", "/proxied", "hello"),
                ("GET", "/proxied-with-trailers", "hello42"),
                ("GET", "/proxied-with-late-trailers", "hello42"),
                ("GET", "/missing", ""),
                ("HEAD", "/text", ""),
                ("HEAD", "/stream", ""),
            ];
            for (number, (method, path, expected)) in table.into_iter().enumerate() {
                let request = Request::builder()
                    .method(method)
                    .uri(format!("http://localhost{path}"))
                    .body(())
                    .unwrap();
                let mut client = client.clone().ready().await.unwrap();
                let (response, _) = client.send_request(request, true).unwrap();
                let mut body = response.await.unwrap().into_body();
                let mut text = String::new();
                while let Some(data) = body.data().await {
                    let data = data.unwrap();
                    body.flow_control().release_capacity(data.len()).unwrap();
                    text += std::str::from_utf8(&data).unwrap();
                }
                if let Some(trailers) = body.trailers().await.unwrap() {
                    text += trailers["x-sum"].to_str().unwrap();
                }
                let spans = endpoint.spans();
                assert_eq!(spans.len(), number + 1, "{method} {path}: {spans:?}");
                assert_eq!(text, expected, "{method} {path}");
            }
            // The last byte passes, since the end of the stream is a frame of its own.
            let request = Request::get(format!("http://{address}/proxied-and-kept-open"));
            let mut client = client.ready().await.unwrap();
            let (response, _) = client
                .send_request(request.body(()).unwrap(), true)
                .unwrap();
            let mut body = response.await.unwrap().into_body();
            let mut text = String::new();
            while text.len() < 5 {
                text += std::str::from_utf8(&body.data().await.unwrap().unwrap()).unwrap();
            }
            assert_eq!(text, "hello");
        });
    });
}

/// A service that returns an error instead of a response.
#[derive(Clone)]
struct Failing;

impl Service<Request<()>> for Failing {
    type Response = Response<Body>;
    type Error = &'static str;
    type Future = Ready<Result<Response<Body>, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Err("broken"))
    }
}

#[test]
fn the_error_of_a_service_waits_for_the_flush() {
    in_own_process("the_error_of_a_service_waits_for_the_flush", &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(&endpoint, LIMIT);
        let mut service = telemetry
            .flush_layer()
            .layer(ServerLayer::new().layer(Failing));
        let result = Runtime::new()
            .unwrap()
            .block_on(service.call(Request::new(())));
        assert_eq!(result.unwrap_err(), "broken");
        assert_eq!(endpoint.spans(), ["GET"]);
    });
}

#[test]
fn after_the_shutdown_responses_do_not_wait() {
    in_own_process("after_the_shutdown_responses_do_not_wait", &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(&endpoint, LIMIT);
        let app = routes().layer(ServerLayer::new());
        let mut client = Client::new(serve(app.layer(telemetry.flush_layer())));
        client.fetch("GET", "/text");
        telemetry.shutdown();
        let start = Instant::now();
        for (method, path, expected) in METHODS_AND_PATHS {
            assert_eq!(client.fetch(method, path).1, expected);
        }
        assert!(start.elapsed() < LIMIT);
        assert_eq!(endpoint.spans().len(), 1);
    });
}

#[test]
fn responses_of_a_disabled_sdk_do_not_wait() {
    let variables = [("OTEL_SDK_DISABLED", "true")];
    in_own_process(
        "responses_of_a_disabled_sdk_do_not_wait",
        &variables,
        || {
            let endpoint = Endpoint::start(Mood::Hangs);
            let telemetry = start(&endpoint, LIMIT);
            let mut client = Client::new(serve(routes().layer(telemetry.flush_layer())));
            for (method, path, expected) in METHODS_AND_PATHS {
                assert_eq!(client.fetch(method, path).1, expected);
            }
        },
    );
}
