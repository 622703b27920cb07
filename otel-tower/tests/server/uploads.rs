//! Clients that leave in the middle of their upload.

use std::io::Write as _;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::map_request;
use axum::routing::{get as on_get, post};
use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, Limited, StreamBody};
use hyper::Response;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use otel_tower::ServerLayer;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::client::{Connection, get};
use crate::harness::{Mode, Server, in_every_mode};

const HALF: &[u8] = &[b'a'; 500];

/// A route whose handler takes the whole body.
fn app(layer: ServerLayer) -> Router {
    let length = |body: Bytes| async move { body.len().to_string() };
    Router::new().route("/", post(length)).layer(layer)
}

/// A route whose handler reads the body, whatever becomes of it, and sends no body.
fn lenient_app(layer: ServerLayer) -> Router {
    let read = |body: Body| async move {
        let _ = body.collect().await;
        StatusCode::NO_CONTENT
    };
    Router::new().route("/", post(read)).layer(layer)
}

/// Sends a head and the beginning of a body, and closes the connection.
fn leave_midway(server: &Server, header: &str, part: &[u8]) {
    let mut connection = Connection::send(server.address, "POST /", &[header]);
    connection.0.write_all(part).unwrap();
}

/// The frames of a body that is sent over HTTP/2, and the response.
struct Http2 {
    frames: UnboundedSender<Bytes>,
    sent: JoinHandle<hyper::Result<Response<Incoming>>>,
}

/// Sends the head and a half of an upload over HTTP/2. The connection is closed after `end`.
fn on_http2(server: &Server, end: impl AsyncFnOnce(Http2)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let io = TokioIo::new(stream);
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
        let (mut sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        let (frames, mut receiver) = unbounded_channel();
        let frame = |data| Ok::<_, std::convert::Infallible>(http_body::Frame::data(data));
        let body = stream::poll_fn(move |cx| receiver.poll_recv(cx)).map(frame);
        let request = Request::post("http://shop.example/").body(StreamBody::new(body));
        let sent = tokio::spawn(sender.send_request(request.unwrap()));
        frames.send(Bytes::from_static(HALF)).unwrap();
        while server.meters.active() == 0.0 {
            tokio::task::yield_now().await;
        }
        let upload = Http2 { frames, sent };
        end(upload).await;
    });
}

in_every_mode! { MEASURED:
    fn a_client_that_leaves_midway_through_its_upload_cancels_the_request(mode: Mode) {
        let server = Server::start(mode, app);
        leave_midway(&server, "content-length: 1000", HALF);
        server.assert_ended(Some(400), Some("cancelled"));
    }

    fn a_client_that_leaves_midway_through_a_chunked_upload_cancels_the_request(mode: Mode) {
        for part in [b"3\r\nabc\r\n".as_slice(), b"3\r\nabc\r\n5\r\nde", b""] {
            let server = Server::start(mode, app);
            leave_midway(&server, "transfer-encoding: chunked", part);
            server.assert_ended(Some(400), Some("cancelled"));
        }
    }

    fn an_upload_that_broke_off_is_cancelled_even_if_the_handler_is_content(mode: Mode) {
        let server = Server::start(mode, lenient_app);
        leave_midway(&server, "content-length: 1000", HALF);
        server.assert_ended(Some(204), Some("cancelled"));
    }

    fn an_upload_that_breaks_off_in_the_response_body_is_cancelled(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let echo = |body: Body| async move { body };
            Router::new().route("/", post(echo)).layer(layer)
        });
        let headers = ["content-length: 1000"];
        let mut connection = Connection::send(server.address, "POST /", &headers);
        connection.0.write_all(b"first").unwrap();
        connection.read_until("first");
        drop(connection);
        server.assert_ended(Some(200), Some("cancelled"));
    }

    fn an_http2_client_that_resets_its_upload_cancels_the_request(mode: Mode) {
        let server = Server::start(mode, lenient_app);
        on_http2(&server, async |upload| {
            // The sender of the frames lives on, so the upload is not complete.
            upload.sent.abort();
            assert!(upload.sent.await.unwrap_err().is_cancelled());
            while server.meters.active() > 0.0 {
                tokio::task::yield_now().await;
            }
            drop(upload.frames);
        });
        server.assert_ended(Some(204), Some("cancelled"));
    }

    fn an_http2_connection_that_breaks_off_during_an_upload_cancels_the_request(mode: Mode) {
        let server = Server::start(mode, lenient_app);
        // The end of the runtime closes the socket.
        on_http2(&server, async |upload| std::mem::forget(upload));
        server.assert_ended(Some(204), Some("cancelled"));
    }

    fn an_upload_that_arrives_is_not_cancelled(mode: Mode) {
        for (header, whole) in [
            ("content-length: 3", b"abc".as_slice()),
            ("transfer-encoding: chunked", b"3\r\nabc\r\n0\r\n\r\n"),
        ] {
            let server = Server::start(mode, app);
            let headers = [header, "connection: close"];
            let mut connection = Connection::send(server.address, "POST /", &headers);
            connection.0.write_all(whole).unwrap();
            assert!(connection.read_to_end().ends_with("\r\n\r\n3"));
            server.assert_ended(Some(200), None);
        }
        let server = Server::start(mode, lenient_app);
        on_http2(&server, async |upload| {
            drop(upload.frames);
            assert_eq!(upload.sent.await.unwrap().unwrap().status(), 204);
        });
        server.assert_ended(Some(204), None);
    }

    fn a_client_that_leaves_after_the_response_to_an_unread_upload_is_not_cancelled(mode: Mode) {
        let server = Server::start(mode, |layer| {
            Router::new().route("/", post(|| async { "enough" })).layer(layer)
        });
        let headers = ["content-length: 1000"];
        let mut connection = Connection::send(server.address, "POST /", &headers);
        connection.0.write_all(HALF).unwrap();
        connection.read_until("enough");
        drop(connection);
        server.assert_ended(Some(200), None);
    }

    fn a_body_limit_answers_as_without_the_layer_and_is_not_a_disconnect(mode: Mode) {
        let inside: fn(ServerLayer) -> Router = |layer| {
            let length = |body: Bytes| async move { body.len().to_string() };
            let route = post(length).layer(DefaultBodyLimit::max(3));
            Router::new().route("/", route).layer(layer)
        };
        let outside: fn(ServerLayer) -> Router = |layer| {
            app(layer).layer(map_request(|request: Request| async {
                request.map(|body| Body::new(Limited::new(body, 3)))
            }))
        };
        for make in [inside, outside] {
            let server = Server::start(mode, make);
            let headers = ["transfer-encoding: chunked", "connection: close"];
            let mut connection = Connection::send(server.address, "POST /", &headers);
            connection.0.write_all(b"4\r\nabcd\r\n0\r\n\r\n").unwrap();
            let answer = connection.read_to_end();
            assert!(answer.contains(" 413 "), "{answer}");
            assert!(answer.ends_with("length limit exceeded"), "{answer}");
            server.assert_ended(Some(413), None);
        }
    }

    fn a_malformed_upload_is_not_a_disconnect(mode: Mode) {
        let server = Server::start(mode, app);
        let headers = ["transfer-encoding: chunked", "connection: close"];
        let mut connection = Connection::send(server.address, "POST /", &headers);
        connection.0.write_all(b"not a chunk\r\n").unwrap();
        connection.read_to_end();
        server.assert_ended(Some(400), None);
    }

    fn a_request_without_a_body_is_not_wrapped(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let is_over = |body: Body| async move {
                http_body::Body::is_end_stream(&body).to_string()
            };
            Router::new().route("/", on_get(is_over)).layer(layer)
        });
        assert!(get(server.address, "/").ends_with("true"));
        server.assert_ended(Some(200), None);
    }
}
