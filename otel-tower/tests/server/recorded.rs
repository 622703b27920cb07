//! What the metrics say, and what stands on the span besides.

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::{get as on_get, post};
use opentelemetry::Value;
use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::Sampler;
use otel_core::error::RecordError as _;
use otel_testkit::Recorder;
use otel_tower::EndAt;
use otel_tower::RequestSpan;

use crate::client::{Connection, get, request};
use crate::harness::{Mode, Server, in_every_mode};

in_every_mode! { MEASURED:
    fn a_duration_has_the_conventions_attributes_and_buckets_and_no_others(mode: Mode) {
        let server = Server::start(mode, |layer| {
            Router::new().route("/users/{id}", on_get(|| async { "Ada" })).layer(layer)
        });
        get(server.address, "/users/42?token=secret");
        let points = server.meters.wait_for("http.server.request.duration", 1);
        let expected = [
            ("http.request.method", Value::from("GET")),
            ("http.response.status_code", Value::I64(200)),
            ("http.route", Value::from("/users/{id}")),
            ("network.protocol.version", Value::from("1.1")),
            ("url.scheme", Value::from("http")),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value));
        assert_eq!(points[0].attributes, expected.into());
        assert_eq!(
            points[0].bounds,
            [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]
        );
    }

    fn an_active_request_is_counted_by_method_and_scheme(mode: Mode) {
        let (sender, handling) = std::sync::mpsc::channel();
        let server = Server::start(mode, |layer| {
            let hang = move || {
                sender.send(()).unwrap();
                std::future::pending::<()>()
            };
            Router::new().route("/", on_get(hang)).layer(layer)
        });
        let connection = Connection::send(server.address, "GET /", &[]);
        handling.recv_timeout(crate::meters::LIMIT).unwrap();
        let points = server.meters.points("http.server.active_requests");
        assert_eq!(points[0].sum, 1.0);
        let keys: Vec<_> = points[0].attributes.keys().map(String::as_str).collect();
        assert_eq!(keys, ["http.request.method", "url.scheme"]);
        drop(connection);
        server.meters.wait_for("http.server.request.duration", 1);
    }

    fn labels_of_the_handler_are_on_the_metrics_but_replace_nothing(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let label = |request: RequestSpan| async move {
                request.add_metric_attribute("tenant", "red");
                request.add_metric_attribute("tenant", "blue");
                request.add_metric_attribute("http.route", "/forged");
            };
            Router::new().route("/", on_get(label)).layer(layer)
        });
        get(server.address, "/");
        let points = server.meters.wait_for("http.server.request.duration", 1);
        assert_eq!(points[0].attributes["tenant"], Value::from("blue"));
        assert_eq!(points[0].attributes["http.route"], Value::from("/"));
    }

    fn bodies_are_counted_as_they_pass(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let echo = |body: Bytes| async move { [body.as_ref(), b"!"].concat() };
            Router::new().route("/", post(echo)).layer(layer.body_sizes())
        });
        let headers = ["transfer-encoding: chunked", "connection: close"];
        let mut connection = Connection::send(server.address, "POST /", &headers);
        std::io::Write::write_all(&mut connection.0, b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n").unwrap();
        assert!(connection.read_to_end().ends_with("abcdefg!"));
        if let Some(span) = server.assert_ended(Some(200), None) {
            assert_eq!(span.attribute("http.request.body.size"), Some(&Value::I64(7)));
            assert_eq!(span.attribute("http.response.body.size"), Some(&Value::I64(8)));
        }
        server.meters.wait_for("http.server.request.duration", 1);
        assert_eq!(server.meters.points("http.server.request.body.size")[0].sum, 7.0);
        assert_eq!(server.meters.points("http.server.response.body.size")[0].sum, 8.0);
    }

    fn the_size_of_a_body_that_outlives_the_request_is_not_known(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer.body_sizes().end_at(EndAt::Headers);
            Router::new().route("/", on_get(|| async { "hello" })).layer(layer)
        });
        assert!(get(server.address, "/").ends_with("hello"));
        if let Some(span) = server.assert_ended(Some(200), None) {
            assert_eq!(span.attribute("http.request.body.size"), Some(&Value::I64(0)));
            assert_eq!(span.attribute("http.response.body.size"), None);
        }
        server.meters.wait_for("http.server.request.duration", 1);
        assert_eq!(server.meters.points("http.server.response.body.size"), []);
    }
}

in_every_mode! { TRACED:
    fn an_error_type_that_the_handler_recorded_is_there_once(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let fail = || async {
                let parsed = "free".parse::<u64>().record_err();
                parsed.map_or(StatusCode::INTERNAL_SERVER_ERROR, |_| StatusCode::OK)
            };
            Router::new().route("/", on_get(fail)).layer(layer)
        });
        get(server.address, "/");
        let span = server.span();
        let name = "core::num::error::ParseIntError";
        let types = span.attributes().iter().filter(|it| it.key.as_str() == "error.type");
        assert_eq!(types.map(|it| it.value.clone()).collect::<Vec<_>>(), [Value::from(name)]);
        assert_eq!(span.status(), &Status::error("invalid digit found in string"));
        let points = server.meters.wait_for("http.server.request.duration", 1);
        assert_eq!(points[0].attributes["error.type"], Value::from(name));
    }

    fn an_error_that_the_handler_recorded_and_answered_is_on_span_and_metric(mode: Mode) {
        let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
        let recorder = Recorder::builder().sampler(sampler).build();
        let server = Server::start_with(mode, recorder, |layer| {
            let fall_back = || async { "free".parse::<u64>().record_err().unwrap_or(250).to_string() };
            Router::new().route("/", on_get(fall_back)).layer(layer)
        });
        assert!(get(server.address, "/").ends_with("250"));
        let name = Value::from("core::num::error::ParseIntError");
        assert_eq!(server.span().attribute("error.type"), Some(&name));
        // Whether the caller samples is nothing to a metric.
        let unsampled = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        request(server.address, "GET /", &[unsampled]);
        let points = server.meters.wait_for("http.server.request.duration", 2);
        assert_eq!(points.len(), 1, "{points:?}");
        assert_eq!(points[0].attributes["error.type"], name);
        assert_eq!(points[0].attributes["http.response.status_code"], Value::I64(200));
    }
}
