//! A client that leaves: what its request ends as.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use axum::routing::get as on_get;
use futures_util::FutureExt as _;
use otel_testkit::Recorder;
use otel_tower::{End, ServerLayer};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::client::Connection;
use crate::harness::{Mode, Server, assert_marks, in_every_mode};

/// Answers with a stream of this status and type, whose client leaves after its first frame.
fn leave(
    mode: Mode,
    (status, kind): (u16, &'static str),
    set: impl FnOnce(ServerLayer) -> ServerLayer + Send + 'static,
) -> (Server, End) {
    let (sender, receiver) = unbounded_channel::<Result<Bytes, std::io::Error>>();
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let end = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&end);
    let server = Server::start(mode, move |layer| {
        let answer = move || {
            let mut receiver = receiver.lock().unwrap().take().unwrap();
            let frames = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
            let response = Response::builder()
                .status(status)
                .header("content-type", kind)
                .body(Body::from_stream(frames))
                .unwrap();
            async { response }
        };
        let layer = set(layer).on_end(move |_, outcome, _| {
            *seen.lock().unwrap() = Some(outcome.end());
        });
        Router::new().route("/", on_get(answer)).layer(layer)
    });
    let mut connection = Connection::send(server.address, "GET /", &[]);
    sender.send(Ok("one".into())).unwrap();
    connection.read_until("one");
    drop(connection);
    write_until_noticed(&server, &sender);
    let end = end.lock().unwrap().take();
    (server, end.unwrap())
}

/// The server notices when it writes.
fn write_until_noticed(server: &Server, sender: &UnboundedSender<Result<Bytes, std::io::Error>>) {
    while server.meters.active() > 0.0 && sender.send(Ok("more".into())).is_ok() {
        std::thread::yield_now();
    }
    server.meters.wait_for("http.server.request.duration", 1);
}

const CANCELLED: Option<&str> = Some("cancelled");

in_every_mode! { MEASURED:
    fn a_browser_that_closes_an_event_stream_is_cancelled_and_no_error(mode: Mode) {
        let table = [
            ((200, "text/event-stream"), None),
            ((200, "Text/Event-Stream; charset=utf-8"), None),
            ((200, "text/event-stream\t; charset=utf-8"), None),
            ((200, "text/event-streams"), CANCELLED),
            ((200, "text/event-stream-x; a=text/event-stream"), CANCELLED),
            ((200, ""), CANCELLED),
            ((200, "text/plain"), CANCELLED),
            ((404, "text/event-stream"), CANCELLED),
            ((500, "text/event-stream"), Some("500")),
        ];
        for (response, error_type) in table {
            let (server, end) = leave(mode, response, |layer| layer);
            assert_eq!(end, End::Cancelled);
            server.assert_ended(Some(response.0.into()), error_type);
        }
    }

    fn an_option_decides_whether_a_cancelled_request_is_an_error(mode: Mode) {
        let stream = (200, "text/event-stream");
        for (is_error, response, error_type) in [
            (true, stream, CANCELLED),
            (true, (200, "text/plain"), CANCELLED),
            (false, stream, None),
            (false, (200, "text/plain"), None),
        ] {
            let (server, end) = leave(mode, response, move |layer| layer.cancelled_is_error(is_error));
            assert_eq!(end, End::Cancelled);
            server.assert_ended(Some(200), error_type);
        }
    }

    fn a_hook_clears_the_error_of_a_cancelled_request(mode: Mode) {
        let (server, end) = leave(mode, (200, "text/plain"), |layer| {
            layer.on_end(|_, outcome, span| {
                assert_eq!(outcome.error_type(), CANCELLED);
                span.clear_error();
            })
        });
        assert_eq!(end, End::Cancelled);
        server.assert_ended(Some(200), None);
    }
}

/// Its length is known, so it ends.
#[test]
fn an_event_stream_of_known_length_that_is_not_read_is_an_error() {
    let recorder = Recorder::new();
    let layer = ServerLayer::new().tracer_provider(&recorder.tracer_provider());
    let service = layer.layer(service_fn(|_: Request<Body>| async {
        let response = Response::builder().header("content-type", "text/event-stream");
        Ok::<_, Infallible>(response.body(Body::from("data: one")).unwrap())
    }));
    let call = service.oneshot(Request::new(Body::empty()));
    drop(call.now_or_never().unwrap());
    assert_marks(&recorder.trace().spans()[0], Some(200), CANCELLED);
}
