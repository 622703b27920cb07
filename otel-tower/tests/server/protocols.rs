//! HTTP/2, upgrades and event streams.

use std::convert::Infallible;
use std::io::Write as _;
use std::sync::mpsc;

use axum::Router;
use axum::body::Body;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::response::sse::{Event, Sse};
use axum::routing::{any, get as on_get};
use futures_util::stream;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use opentelemetry::Value;
use otel_tower::EndAt;
use tokio::net::TcpStream;

use crate::client::{Connection, get, on_http2};
use crate::harness::{Mode, Server, in_every_mode};
use crate::meters::LIMIT;

fn http2_request(path: &str) -> Request<Empty<axum::body::Bytes>> {
    Request::get(format!("http://shop.example:8080{path}"))
        .body(Empty::new())
        .unwrap()
}

in_every_mode! { MEASURED:
    fn http2_is_complete_with_its_last_frame(mode: Mode) {
        let server = Server::start(mode, |layer| {
            Router::new().route("/users/{id}", on_get(|| async { "Ada" })).layer(layer)
        });
        let body = on_http2(server.address, async |mut sender| {
            let response = sender.send_request(http2_request("/users/42")).await.unwrap();
            response.into_body().collect().await.unwrap().to_bytes()
        });
        assert_eq!(body, "Ada");
        if let Some(span) = server.assert_ended(Some(200), None) {
            assert_eq!(span.name(), "GET /users/{id}");
            assert_eq!(span.attribute("network.protocol.version"), Some(&Value::from("2")));
            assert_eq!(span.attribute("server.address"), Some(&Value::from("shop.example")));
            assert_eq!(span.attribute("server.port"), Some(&Value::I64(8080)));
        }
    }

    fn an_http2_stream_that_is_reset_midway_cancels_the_request(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let endless = || async {
                let first = stream::iter([Ok::<_, Infallible>("one")]);
                Body::from_stream(futures_util::StreamExt::chain(first, stream::pending()))
            };
            Router::new().route("/", on_get(endless)).layer(layer)
        });
        on_http2(server.address, async |mut sender| {
            let response = sender.send_request(http2_request("/")).await.unwrap();
            let mut body = response.into_body();
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
            // Dropping the body resets the stream; the connection stays until the server has seen it.
            drop(body);
            while server.meters.active() > 0.0 {
                tokio::task::yield_now().await;
            }
        });
        server.assert_ended(Some(200), Some("cancelled"));
    }

    fn an_http2_client_that_leaves_before_the_response_cancels_the_request(mode: Mode) {
        let (entered, handling) = mpsc::channel();
        let server = Server::start(mode, |layer| {
            let hang = move || {
                entered.send(()).unwrap();
                std::future::pending::<()>()
            };
            Router::new().route("/", on_get(hang)).layer(layer)
        });
        on_http2(server.address, async |mut sender| {
            let response = tokio::spawn(async move { sender.send_request(http2_request("/")).await });
            while handling.try_recv().is_err() {
                tokio::task::yield_now().await;
            }
            response.abort();
        });
        server.assert_ended(None, Some("cancelled"));
    }

    fn a_websocket_ends_with_the_upgrade_and_lives_on(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let echo = |upgrade: WebSocketUpgrade| async move {
                upgrade.on_upgrade(|mut socket| async move {
                    while let Some(Ok(Message::Text(text))) = socket.recv().await {
                        socket.send(Message::Text(text)).await.unwrap();
                    }
                })
            };
            Router::new().route("/ws", any(echo)).layer(layer)
        });
        let headers = [
            "connection: upgrade",
            "upgrade: websocket",
            "sec-websocket-version: 13",
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        ];
        let mut connection = Connection::send(server.address, "GET /ws", &headers);
        connection.read_until("\r\n\r\n");
        server.assert_ended(Some(101), None);
        // A masked text frame of two bytes, with a mask of zeros.
        connection.0.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).unwrap();
        connection.read_until("hi");
    }

    fn an_event_stream_ends_with_its_last_event(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let events = || async {
                let events = ["one", "two"].map(|it| Ok::<_, Infallible>(Event::default().data(it)));
                Sse::new(stream::iter(events))
            };
            Router::new().route("/events", on_get(events)).layer(layer)
        });
        assert!(get(server.address, "/events").contains("data: two"));
        server.assert_ended(Some(200), None);
    }

    fn a_standing_event_stream_ends_where_the_layer_was_told_to(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let standing = || async {
                let first = stream::iter([Ok::<_, Infallible>(Event::default().data("one"))]);
                Sse::new(futures_util::StreamExt::chain(first, stream::pending()))
            };
            let layer = layer.end_at_by(|request, response| {
                assert_eq!(request.uri().path(), "/events");
                match response.headers().get("content-type") {
                    Some(kind) if kind == "text/event-stream" => EndAt::Headers,
                    _ => EndAt::Body,
                }
            });
            Router::new().route("/events", on_get(standing)).layer(layer)
        });
        let mut connection = Connection::send(server.address, "GET /events", &[]);
        connection.read_until("data: one");
        server.assert_ended(Some(200), None);
        drop(connection);
    }

    fn every_request_ends_at_its_head_where_the_layer_was_told_so(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let standing = || async {
                (StatusCode::OK, Body::from_stream(stream::pending::<Result<&str, Infallible>>()))
            };
            Router::new().route("/", on_get(standing)).layer(layer.end_at(EndAt::Headers))
        });
        let mut connection = Connection::send(server.address, "GET /", &[]);
        connection.read_until("\r\n\r\n");
        server.assert_ended(Some(200), None);
    }

    fn a_request_that_is_answered_before_its_body_was_read_is_complete(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let refuse = || async { StatusCode::PAYLOAD_TOO_LARGE.into_response() };
            Router::new().route("/", axum::routing::post(refuse)).layer(layer)
        });
        let headers = ["content-length: 1000000", "connection: close"];
        let mut connection = Connection::send(server.address, "POST /", &headers);
        connection.read_until("413");
        server.assert_ended(Some(413), None);
    }
}

#[test]
fn a_service_of_hyper_without_axum_is_traced() {
    use hyper::server::conn::http1;
    use hyper_util::service::TowerToHyperService;
    use otel_testkit::Recorder;
    use otel_tower::{RouteSlot, ServerLayer};
    use tower::Layer as _;

    let recorder = Recorder::new();
    let layer = ServerLayer::new().tracer_provider(&recorder.tracer_provider());
    let service = layer.layer(tower::service_fn(
        |request: Request<hyper::body::Incoming>| async move {
            // A router of one's own tells its route.
            request
                .extensions()
                .get::<RouteSlot>()
                .unwrap()
                .set("/own/{route}");
            Ok::<_, Infallible>(Response::new(
                http_body_util::Full::<axum::body::Bytes>::from("hello"),
            ))
        },
    ));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let stream = TcpStream::from_std(stream).unwrap();
            let service = TowerToHyperService::new(service);
            http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await
                .unwrap();
        });
    });
    assert!(get(address, "/own/42").ends_with("hello"));
    server.join().unwrap();
    recorder
        .wait_for(|recorder| !recorder.spans().is_empty(), LIMIT)
        .unwrap();
    let span = &recorder.spans()[0];
    assert_eq!(span.name(), "GET /own/{route}");
    assert_eq!(
        span.attribute("http.route"),
        Some(&Value::from("/own/{route}"))
    );
    crate::harness::assert_marks(span, Some(200), None);
}
