//! One end for every request, whatever its end is.

use std::future::pending;
use std::io;
use std::sync::mpsc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::{get as on_get, post};
use http_body_util::{BodyExt as _, Full, StreamBody};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::client::{Connection, get, request};
use crate::harness::{Mode, Server, assert_marks, in_every_mode};
use crate::meters::LIMIT;

type Frame = Result<Bytes, io::Error>;

/// A route whose body is what the test sends.
fn streamed() -> (
    UnboundedSender<Frame>,
    impl FnOnce(otel_tower::ServerLayer) -> Router,
) {
    let (sender, receiver) = unbounded_channel();
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(Some(receiver)));
    let app = move |layer| {
        let stream = move || {
            let receiver = receiver.lock().unwrap().take().unwrap();
            async move { body_of(receiver) }
        };
        Router::new().route("/stream", on_get(stream)).layer(layer)
    };
    (sender, app)
}

fn body_of(mut receiver: UnboundedReceiver<Frame>) -> Body {
    Body::from_stream(futures_util::stream::poll_fn(move |cx| {
        receiver.poll_recv(cx)
    }))
}

in_every_mode! { MEASURED:
    fn a_complete_body_ends_the_request(mode: Mode) {
        let server = Server::start(mode, |layer| {
            Router::new().route("/", on_get(|| async { "hello" })).layer(layer)
        });
        assert!(get(server.address, "/").ends_with("hello"));
        server.assert_ended(Some(200), None);
    }

    fn an_empty_body_ends_the_request(mode: Mode) {
        let server = Server::start(mode, |layer| {
            Router::new().route("/", post(|| async {})).layer(layer)
        });
        request(server.address, "POST /", &["content-length: 0"]);
        server.assert_ended(Some(200), None);
    }

    fn trailers_end_the_request(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let trailers = || async {
                let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
                let frames = [
                    Ok::<_, io::Error>(http_body::Frame::data(Bytes::from("hello"))),
                    Ok(http_body::Frame::trailers(trailers)),
                ];
                let body = Body::new(StreamBody::new(futures_util::stream::iter(frames)));
                Response::builder().header("trailer", "x-sum").body(body).unwrap()
            };
            Router::new().route("/", on_get(trailers)).layer(layer)
        });
        let answer = request(server.address, "GET /", &["te: trailers"]);
        assert!(answer.contains("x-sum: 1"), "{answer}");
        server.assert_ended(Some(200), None);
    }

    fn a_stream_is_measured_to_its_end(mode: Mode) {
        let (frames, app) = streamed();
        let server = Server::start(mode, app);
        let mut connection = Connection::send(server.address, "GET /stream", &["connection: close"]);
        frames.send(Ok("one".into())).unwrap();
        connection.read_until("one");
        let first_seen = Instant::now();
        assert_eq!(server.recorder.spans().len(), 0, "the span ended with the first frame");
        // The client saw the first frame; the stream goes on for a while after.
        let mut seen = String::new();
        let mut sent = 0;
        while first_seen.elapsed().as_millis() < 60 {
            sent += 1;
            frames.send(Ok(format!("<{sent}>").into())).unwrap();
            seen += &connection.read_until(&format!("<{sent}>"));
        }
        let streamed_for = first_seen.elapsed();
        drop(frames);
        connection.read_to_end();
        let measured = server.assert_ended(Some(200), None);
        let Some(span) = measured else { continue };
        assert!(span.duration() >= streamed_for, "{:?} < {streamed_for:?}", span.duration());
    }

    fn an_error_in_the_body_is_an_error_of_the_request(mode: Mode) {
        let (frames, app) = streamed();
        let server = Server::start(mode, app);
        frames.send(Ok("one".into())).unwrap();
        frames.send(Err(io::Error::other("disk gone"))).unwrap();
        get(server.address, "/stream");
        server.assert_ended(Some(200), Some("body_error"));
    }

    fn a_client_that_leaves_midway_cancels_the_request(mode: Mode) {
        let (frames, app) = streamed();
        let server = Server::start(mode, app);
        let mut connection = Connection::send(server.address, "GET /stream", &[]);
        frames.send(Ok("one".into())).unwrap();
        connection.read_until("one");
        drop(connection);
        // The server notices when it writes.
        while server.meters.active() > 0.0 && frames.send(Ok("more".into())).is_ok() {
            std::thread::yield_now();
        }
        server.assert_ended(Some(200), Some("cancelled"));
    }

    fn a_body_that_the_server_drops_cancels_the_request(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let endless = || async { Body::from_stream(futures_util::stream::pending::<Frame>()) };
            let replace = axum::middleware::map_response(|_: Response<Body>| async { "replaced" });
            Router::new().route("/", on_get(endless)).layer(layer).layer(replace)
        });
        assert!(get(server.address, "/").ends_with("replaced"));
        server.assert_ended(Some(200), Some("cancelled"));
    }

    fn a_client_that_leaves_before_the_response_cancels_the_request(mode: Mode) {
        let (entered, handling) = mpsc::channel();
        let server = Server::start(mode, |layer| {
            let hang = move || {
                entered.send(()).unwrap();
                pending::<()>()
            };
            Router::new().route("/hang", on_get(hang)).layer(layer)
        });
        let started = Instant::now();
        let connection = Connection::send(server.address, "GET /hang", &[]);
        handling.recv_timeout(LIMIT).unwrap();
        let handled = Instant::now();
        while handled.elapsed().as_millis() < 30 {
            std::thread::yield_now();
        }
        let waited = handled.elapsed();
        drop(connection);
        let measured = server.assert_ended(None, Some("cancelled"));
        let Some(span) = measured else { continue };
        assert!(span.duration() >= waited, "{:?}", span.duration());
        assert!(span.duration() <= started.elapsed(), "{:?}", span.duration());
    }

    fn a_5xx_is_an_error_named_by_its_code(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let unavailable = || async { StatusCode::SERVICE_UNAVAILABLE };
            Router::new().route("/", on_get(unavailable)).layer(layer)
        });
        get(server.address, "/");
        server.assert_ended(Some(503), Some("503"));
    }

    fn a_panic_in_the_handler_is_told_apart(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let fall = || async {
                if true {
                    panic!("on purpose");
                }
            };
            Router::new().route("/", on_get(fall)).layer(layer)
        });
        assert_eq!(get(server.address, "/"), "", "the panic went on unwinding");
        server.assert_ended(None, Some("panic"));
    }

    fn a_panic_in_the_body_is_told_apart(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let fall = || async {
                Body::from_stream(futures_util::stream::poll_fn(
                    |_| -> std::task::Poll<Option<Frame>> { panic!("on purpose") },
                ))
            };
            Router::new().route("/", on_get(fall)).layer(layer)
        });
        get(server.address, "/");
        server.assert_ended(Some(200), Some("panic"));
    }

    fn a_head_request_ends_with_the_response_head(mode: Mode) {
        let server = Server::start(mode, |layer| {
            Router::new().route("/", on_get(|| async { "hello" })).layer(layer)
        });
        let answer = request(server.address, "HEAD /", &[]);
        assert!(answer.contains("content-length: 5"), "{answer}");
        if let Some(span) = server.assert_ended(Some(200), None) {
            assert_eq!(span.name(), "HEAD /");
        }
    }

    fn responses_without_a_body_end_with_their_head(mode: Mode) {
        for code in [204, 304] {
            let server = Server::start(mode, move |layer| {
                let empty = move || async move {
                    let body = Body::from_stream(futures_util::stream::pending::<Frame>());
                    (StatusCode::from_u16(code).unwrap(), body).into_response()
                };
                Router::new().route("/", on_get(empty)).layer(layer)
            });
            get(server.address, "/");
            server.assert_ended(Some(i64::from(code)), None);
        }
    }

    fn a_body_of_known_length_is_complete_with_its_last_byte(mode: Mode) {
        // hyper stops polling there and drops the body, which does not know that it has ended.
        let server = Server::start(mode, |layer| {
            let proxied = || async {
                let (sender, receiver) = unbounded_channel();
                sender.send(Ok("hello".into())).unwrap();
                std::mem::forget(sender);
                Response::builder().header("content-length", "5").body(body_of(receiver)).unwrap()
            };
            Router::new().route("/", on_get(proxied)).layer(layer)
        });
        assert!(get(server.address, "/").ends_with("hello"));
        server.assert_ended(Some(200), None);
    }

    fn an_upgrade_ends_with_the_response_head(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let switch = || async {
                let pending = Body::from_stream(futures_util::stream::pending::<Frame>());
                let head = Response::builder().status(101).header("upgrade", "echo");
                head.header("connection", "upgrade").body(pending).unwrap()
            };
            Router::new().route("/", on_get(switch)).layer(layer)
        });
        let headers = ["connection: upgrade", "upgrade: echo"];
        let mut connection = Connection::send(server.address, "GET /", &headers);
        connection.read_until("\r\n\r\n");
        server.assert_ended(Some(101), None);
    }
}

#[test]
fn frames_and_size_hint_of_the_body_are_handed_on() {
    use http_body::Body as _;
    use tower::{Layer as _, ServiceExt as _};

    let inner = tower::service_fn(|_: axum::http::Request<Body>| async {
        let frames = [Ok::<_, io::Error>(http_body::Frame::data(Bytes::from(
            "hello",
        )))];
        let body = StreamBody::new(futures_util::stream::iter(frames));
        Ok::<_, io::Error>(Response::new(body))
    });
    let service = otel_tower::ServerLayer::new().layer(inner);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let request = axum::http::Request::new(Body::empty());
        let body = service.oneshot(request).await.unwrap().into_body();
        assert!(!body.is_end_stream());
        assert_eq!(body.size_hint().exact(), None);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "hello");
        assert!(otel_tower::ResponseBody::<Full<Bytes>>::default().is_end_stream());
    });
}

#[test]
fn a_service_error_is_an_error_of_the_request_and_handed_on() {
    use tower::{Layer as _, ServiceExt as _};

    let recorder = otel_testkit::Recorder::new();
    let inner = tower::service_fn(|_: axum::http::Request<Body>| async {
        Err::<Response<Body>, _>(io::Error::other("no handler"))
    });
    let layer = otel_tower::ServerLayer::new().tracer_provider(&recorder.tracer_provider());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let request = axum::http::Request::new(Body::empty());
    let result = runtime.block_on(layer.layer(inner).oneshot(request));
    assert_eq!(result.unwrap_err().to_string(), "no handler");
    assert_marks(&recorder.spans()[0], None, Some("service_error"));
}

#[test]
fn trailers_behind_a_body_of_known_length_are_handed_on() {
    use tower::{Layer as _, ServiceExt as _};

    let inner = tower::service_fn(|_: axum::http::Request<Body>| async {
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
        let body = Full::new(Bytes::from("hello")).with_trailers(async { Some(Ok(trailers)) });
        Ok::<_, io::Error>(
            Response::builder()
                .header("content-length", "5")
                .body(body)
                .unwrap(),
        )
    });
    let recorder = otel_testkit::Recorder::new();
    let layer = otel_tower::ServerLayer::new().tracer_provider(&recorder.tracer_provider());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let request = axum::http::Request::new(Body::empty());
        let response = layer.layer(inner).oneshot(request).await.unwrap();
        let collected = response.into_body().collect().await.unwrap();
        assert_eq!(collected.trailers().unwrap()["x-sum"], "1");
    });
    assert_marks(&recorder.spans()[0], Some(200), None);
}
