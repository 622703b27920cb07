//! The sizes of bodies: none is invented.

use std::io::Write as _;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use axum::middleware::map_request;
use axum::routing::{any, get as on_get, post};
use futures_util::{StreamExt as _, stream};
use otel_tower::ServerLayer;

use crate::client::{Connection, get, request};
use crate::harness::{Mode, Server, in_every_mode};

const REQUEST: &str = "http.request.body.size";
const RESPONSE: &str = "http.response.body.size";

/// Waits for the end of the only request, and returns the sizes of its bodies. Span and metrics have the same.
#[track_caller]
fn sizes(server: &Server, status: Option<i64>, error_type: Option<&str>) -> [Option<i64>; 2] {
    let span = server.assert_ended(status, error_type);
    let metrics = [
        "http.server.request.body.size",
        "http.server.response.body.size",
    ];
    let sizes = metrics.map(|metric| {
        let points = server.meters.points(metric);
        assert!(
            points.len() <= 1 && points.iter().all(|it| it.count == 1),
            "{points:?}"
        );
        points.first().map(|point| point.sum as i64)
    });
    if let Some(span) = span {
        let of_span = [REQUEST, RESPONSE].map(|key| match span.attribute(key)? {
            opentelemetry::Value::I64(bytes) => Some(*bytes),
            other => panic!("{other:?}"),
        });
        assert_eq!(of_span, sizes);
    }
    sizes
}

fn start(mode: Mode, app: impl FnOnce(ServerLayer) -> Router + Send + 'static) -> Server {
    Server::start(mode, |layer| app(layer.body_sizes()))
}

/// Sends a body of four bytes, announced or chunked, to a handler.
fn post_to(server: &Server, is_announced: bool) {
    let (header, body): (_, &[u8]) = match is_announced {
        true => ("content-length: 4", b"four"),
        false => ("transfer-encoding: chunked", b"4\r\nfour\r\n0\r\n\r\n"),
    };
    let headers = [header, "connection: close"];
    let mut connection = Connection::send(server.address, "POST /", &headers);
    connection.0.write_all(body).unwrap();
    connection.read_to_end();
}

fn panic_if(is_bad: bool) {
    assert!(!is_bad, "on purpose");
}

in_every_mode! { MEASURED:
    fn a_response_that_was_never_sent_has_no_size(mode: Mode) {
        let server = start(mode, |layer| {
            let fall = || async { panic_if(true) };
            Router::new().route("/", on_get(fall)).layer(layer)
        });
        get(server.address, "/");
        assert_eq!(sizes(&server, None, Some("panic")), [Some(0), None]);

        let (entered, handling) = std::sync::mpsc::channel();
        let server = start(mode, |layer| {
            let hang = move || {
                entered.send(()).unwrap();
                std::future::pending::<()>()
            };
            Router::new().route("/", on_get(hang)).layer(layer)
        });
        let connection = Connection::send(server.address, "GET /", &[]);
        handling.recv_timeout(crate::meters::LIMIT).unwrap();
        drop(connection);
        assert_eq!(sizes(&server, None, Some("cancelled")), [Some(0), None]);
    }

    fn a_service_that_fails_sends_no_size(mode: Mode) {
        let server = start(mode, |layer| {
            let fail = tower::service_fn(|_: Request| async {
                Err::<Response<Body>, _>(std::io::Error::other("broken"))
            });
            let answer = |_: std::io::Error| async { StatusCode::BAD_GATEWAY };
            let service = tower::ServiceBuilder::new()
                .layer(axum::error_handling::HandleErrorLayer::new(answer))
                .layer(layer)
                .service(fail);
            Router::new().route_service("/", service)
        });
        get(server.address, "/");
        assert_eq!(sizes(&server, None, Some("service_error")), [Some(0), None]);
    }

    fn a_request_body_that_is_read_has_its_size(mode: Mode) {
        for is_announced in [true, false] {
            let server = start(mode, |layer| {
                let read = |body: Bytes| async move { assert_eq!(body, "four") };
                Router::new().route("/", post(read)).layer(layer)
            });
            post_to(&server, is_announced);
            assert_eq!(sizes(&server, Some(200), None), [Some(4), Some(0)]);
        }
    }

    fn a_request_body_that_nobody_reads_has_its_content_length_or_no_size(mode: Mode) {
        for (is_announced, expected) in [(true, Some(4)), (false, None)] {
            let server = start(mode, |layer| {
                Router::new().route("/", post(|| async { "ok" })).layer(layer)
            });
            post_to(&server, is_announced);
            assert_eq!(sizes(&server, Some(200), None), [expected, Some(2)]);
        }
    }

    fn a_request_body_that_is_read_in_part_has_its_content_length_or_no_size(mode: Mode) {
        for (header, expected) in [("content-length: 1000", Some(1000)), ("transfer-encoding: chunked", None)] {
            let server = start(mode, |layer| {
                let read = |body: Body| async move {
                    assert!(body.into_data_stream().next().await.unwrap().is_ok());
                    "enough"
                };
                Router::new().route("/", post(read)).layer(layer)
            });
            let mut connection = Connection::send(server.address, "POST /", &[header]);
            connection.0.write_all(b"5\r\nfirst\r\n").unwrap();
            connection.read_until("enough");
            assert_eq!(sizes(&server, Some(200), None), [expected, Some(6)]);
        }
    }

    fn a_layer_outside_that_takes_the_body_does_not_hide_its_content_length(mode: Mode) {
        let server = start(mode, |layer| {
            let take = map_request(|request: Request| async {
                let (head, body) = request.into_parts();
                axum::body::to_bytes(body, 100).await.unwrap();
                Request::from_parts(head, Body::empty())
            });
            Router::new().route("/", post(|| async { "ok" })).layer(layer).layer(take)
        });
        post_to(&server, true);
        assert_eq!(sizes(&server, Some(200), None), [Some(4), Some(2)]);
    }

    fn a_content_length_that_cannot_be_true_is_not_recorded(mode: Mode) {
        let server = start(mode, |layer| {
            Router::new().route("/", post(|| async { "ok" })).layer(layer)
        });
        let headers = ["content-length: 9223372036854775807"];
        let mut connection = Connection::send(server.address, "POST /", &headers);
        connection.read_until("ok");
        drop(connection);
        assert_eq!(sizes(&server, Some(200), None), [None, Some(2)]);
    }

    fn responses_without_a_body_have_the_size_zero(mode: Mode) {
        for (line, status) in [("HEAD /", 200), ("GET /204", 204), ("GET /304", 304)] {
            let server = start(mode, |layer| {
                let hello = || async { "hello" };
                let no_content = || async { StatusCode::NO_CONTENT };
                let not_modified = || async { ([("content-length", "5")], StatusCode::NOT_MODIFIED).1 };
                Router::new()
                    .route("/", any(hello))
                    .route("/204", on_get(no_content))
                    .route("/304", on_get(not_modified))
                    .layer(layer)
            });
            request(server.address, line, &[]);
            assert_eq!(sizes(&server, Some(status), None), [Some(0), Some(0)], "{line}");
        }
    }

    fn a_response_that_broke_off_has_the_bytes_that_were_sent(mode: Mode) {
        let server = start(mode, |layer| {
            let broken = || async {
                let frames = [Ok("12345"), Err(std::io::Error::other("disk gone"))];
                ([("content-length", "10")], Body::from_stream(stream::iter(frames)))
            };
            Router::new().route("/", on_get(broken)).layer(layer)
        });
        get(server.address, "/");
        assert_eq!(sizes(&server, Some(200), Some("body_error")), [Some(0), Some(5)]);
    }
}
