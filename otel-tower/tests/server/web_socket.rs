//! The task of a websocket runs in the context of its request.

use std::io::Write as _;
use std::sync::mpsc;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{Request, Response};
use axum::response::IntoResponse as _;
use axum::routing::any;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracer;
use otel_testkit::Recorder;
use otel_tower::{ClientLayer, WebSocketUpgradeExt as _};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tracing::{Instrument as _, info_span};

use crate::client::Connection;
use crate::harness::{Mode, Server, in_every_mode};
use crate::meters::LIMIT;

const UPGRADE: [&str; 4] = [
    "connection: upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
];

/// Answers each message, with a call to another service and a span of the API.
async fn talk(mut socket: WebSocket, client: ClientLayer, tracer: SdkTracer) {
    while let Some(Ok(Message::Text(text))) = socket.recv().await {
        let answer = service_fn(async |_: Request<String>| {
            Ok::<_, std::convert::Infallible>(Response::new(String::new()))
        });
        let request = Request::get("http://pricing/").body(String::new()).unwrap();
        client.layer(answer).oneshot(request).await.unwrap();
        tracer.in_span("message", |_| ());
        socket.send(Message::Text(text)).await.unwrap();
    }
}

/// Sends a text frame of two bytes, with a mask of zeros, and waits for the answer.
fn say_hi(connection: &mut Connection) {
    let frame = [0x81, 0x82, 0, 0, 0, 0, b'h', b'i'];
    connection.0.write_all(&frame).unwrap();
    connection.read_until("hi");
}

in_every_mode! { TRACED:
    fn spans_and_calls_of_a_websocket_are_children_of_its_request(mode: Mode) {
        let recorder = Recorder::new();
        let tracer = recorder.tracer_provider().tracer("socket");
        let client = ClientLayer::new().tracer_provider(&recorder.tracer_provider());
        let server = Server::start_with(mode, recorder, |layer| {
            let chat = move |upgrade: WebSocketUpgrade| async move {
                let upgrade = upgrade.on_failed_upgrade(|error| panic!("{error}"));
                upgrade.on_upgrade_in_context(|socket| {
                    info_span!("callback").in_scope(|| ());
                    talk(socket, client, tracer).instrument(info_span!("socket"))
                })
            };
            Router::new().route("/ws", any(chat)).layer(layer)
        });
        let mut connection = Connection::send(server.address, "GET /ws", &UPGRADE);
        connection.read_until("\r\n\r\n");
        // The request has ended with the upgrade, before anything is said.
        server.recorder.wait_for(|it| it.spans().iter().any(|span| span.name() == "GET /ws"), LIMIT).unwrap();
        say_hi(&mut connection);
        drop(connection);
        let has_tracing = matches!(
            mode,
            Mode::Tracing
                | Mode::TracingOpenTelemetry
                | Mode::WithoutActivation
                | Mode::WithoutTracingSpan
        );
        let spans = if has_tracing { 5 } else { 3 };
        let trace = server.trace(spans);
        assert_eq!(trace.spans().len(), spans, "{trace}");
        if has_tracing {
            trace.assert_child_of("callback", "GET /ws");
            trace.assert_child_of("socket", "GET /ws");
        }
        // Without activation the span of the socket is not in the context.
        let is_active = has_tracing && mode != Mode::WithoutActivation;
        let around = if is_active { "socket" } else { "GET /ws" };
        for name in ["GET", "message"] {
            trace.assert_child_of(name, around);
        }
    }

    fn a_websocket_that_says_nothing_does_not_keep_its_request_open(mode: Mode) {
        let (entered, running) = mpsc::channel();
        let server = Server::start(mode, |layer| {
            let chat = move |upgrade: WebSocketUpgrade| async move {
                upgrade
                    .on_upgrade_in_context(move |mut socket| async move {
                        entered.send(()).unwrap();
                        while socket.recv().await.is_some() {}
                    })
                    .into_response()
            };
            Router::new().route("/ws", any(chat)).layer(layer)
        });
        let connection = Connection::send(server.address, "GET /ws", &UPGRADE);
        running.recv_timeout(LIMIT).unwrap();
        server.assert_ended(Some(101), None);
        drop(connection);
    }
}
