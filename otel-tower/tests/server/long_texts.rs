//! Texts of an untrusted client that are longer than anything that is recorded.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::any;
use opentelemetry::{Array, Value};
use otel_core::error::RecordError as _;
use otel_testkit::Span;
use otel_tower::{ServerLayer, TextLimits};

use crate::client::{Connection, request};
use crate::harness::{Mode, Server, in_every_mode};

const LONG: usize = 30_000;

/// Answers every path.
fn app(layer: ServerLayer) -> Router {
    Router::new()
        .fallback(any(|_: HeaderMap| async {}))
        .layer(layer)
}

/// The texts of an attribute.
fn texts(span: &Span, key: &str) -> Vec<String> {
    match span.attribute(key) {
        Some(Value::String(text)) => vec![text.to_string()],
        Some(Value::Array(Array::String(texts))) => texts.iter().map(ToString::to_string).collect(),
        other => panic!("{key}: {other:?}"),
    }
}

fn lengths(span: &Span, key: &str) -> Vec<usize> {
    texts(span, key).iter().map(String::len).collect()
}

in_every_mode! { TRACED:
    fn every_text_that_a_client_chooses_is_cut(mode: Mode) {
        let server = Server::start(mode, |layer| app(layer.capture_request_headers(["*"])));
        let (path, query) = ("p".repeat(LONG), "q".repeat(LONG));
        let line = format!("{} /{path}?{query}", "M".repeat(LONG));
        let agent = format!("user-agent: {}", "a".repeat(LONG));
        let host = format!("x-first: {}", "h".repeat(LONG));
        let others: Vec<String> = (0..90).map(|n| format!("x-{n}: {}", "v".repeat(900))).collect();
        let mut headers: Vec<&str> = others.iter().map(String::as_str).collect();
        headers.extend([agent.as_str(), host.as_str()]);
        assert!(request(server.address, &line, &headers).starts_with("HTTP/1.1 200"));
        let span = server.span();
        assert_eq!(span.name(), "HTTP");
        assert_eq!(texts(&span, "url.path"), [format!("/{}", &path[..2047])]);
        assert_eq!(texts(&span, "url.query"), [&query[..2048]]);
        assert_eq!(lengths(&span, "user_agent.original"), [1024]);
        assert_eq!(lengths(&span, "http.request.method_original"), [1024]);
        let captured = span.attributes().iter().map(|it| it.key.as_str());
        let captured = captured.filter(|key| key.starts_with("http.request.header."));
        let bytes: usize = captured.flat_map(|key| lengths(&span, key)).sum();
        assert!((4_096..=8_192).contains(&bytes), "{bytes}");
    }

    fn a_long_host_is_cut_wherever_it_comes_from(mode: Mode) {
        let host = "h".repeat(LONG);
        let user = "u".repeat(LONG);
        for authority in [host.clone(), format!("{host}:8080"), format!("{user}:pw@{host}")] {
            let server = Server::start(mode, app);
            // The authority of an absolute target replaces the `Host`.
            request(server.address, &format!("GET http://{authority}/"), &[]);
            let span = server.span();
            assert_eq!(texts(&span, "server.address"), [&host[..1024]]);
        }
    }

    fn a_host_that_a_proxy_forwards_is_cut(mode: Mode) {
        let host = "h".repeat(4_000);
        for header in [format!("x-forwarded-host: {host}"), format!("forwarded: host={host}")] {
            let server = Server::start(mode, |layer| {
                app(layer.trusted_proxies("127.0.0.1".parse().unwrap()))
            });
            request(server.address, "GET /", &["x-forwarded-for: 7.7.7.7", &header]);
            assert!(lengths(&server.span(), "server.address")[0] <= 1_024);
        }
    }

    fn a_cut_leaves_no_part_of_a_secret(mode: Mode) {
        let table = [
            // The value is cut, its key is not.
            format!("{}&token=hunter2{}", "q".repeat(2_035), "x".repeat(LONG)),
            // The cut is inside the key.
            format!("{}&token=hunter2", "q".repeat(2_045)),
            // The text grows when it is redacted.
            "sig=hunter2&".repeat(400),
            // The secret comes after the cut.
            format!("{}&token=hunter2", "q".repeat(LONG)),
        ];
        for query in table {
            let server = Server::start(mode, |layer| {
                app(layer.capture_request_headers(["referer", "x-next-url"]))
            });
            let user = format!("hunter2{}", "x".repeat(1_100));
            let referer = format!("referer: http://ada:{user}@shop.example/?a");
            let next = format!("x-next-url: /?{}", query.replacen(&"q".repeat(1_020), "", 1));
            request(server.address, &format!("GET /?{query}"), &[&referer, &next]);
            let span = server.span();
            assert!(!format!("{span:?}").contains("hunter2"), "{span:?}");
            assert!(lengths(&span, "url.query")[0] <= 2_048);
        }
    }

    fn a_cut_text_ends_between_two_characters(mode: Mode) {
        for before in 0..4 {
            let server = Server::start(mode, |layer| app(layer.capture_request_headers(["x-a"])));
            let header = format!("x-a: {}{}", "x".repeat(before), "🦀".repeat(2_000));
            request(server.address, "GET /", &[&header]);
            let value = &texts(&server.span(), "http.request.header.x-a")[0];
            assert!((1_021..=1_024).contains(&value.len()), "{}", value.len());
            assert!(value.trim_start_matches('x').chars().all(|it| it == '🦀'), "{value}");
        }
    }

    fn options_set_other_limits(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer.capture_request_headers(["x-a"]);
            app(layer.text_limits(TextLimits::default().url(4_000).other(10)))
        });
        let target = format!("GET /{}?{}", "p".repeat(LONG), "q".repeat(100));
        request(server.address, &target, &["user-agent: 12345678901", "x-a: 12345678901"]);
        let span = server.span();
        assert_eq!(lengths(&span, "url.path"), [4_000]);
        assert_eq!(lengths(&span, "url.query"), [100]);
        assert_eq!(texts(&span, "user_agent.original"), ["1234567890"]);
        assert_eq!(texts(&span, "http.request.header.x-a"), ["1234567890"]);
        assert_eq!(texts(&span, "server.address"), ["shop.examp"]);
    }

    fn an_error_that_repeats_the_request_is_cut(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let answer = |headers: HeaderMap| async move {
                let sent = headers["x-a"].to_str().unwrap().to_owned();
                let failed = Err::<(), _>(std::io::Error::other(sent)).record_err();
                failed.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
            };
            Router::new().fallback(any(answer)).layer(layer)
        });
        request(server.address, "GET /", &[&format!("x-a: {}", "e".repeat(LONG))]);
        let span = server.span();
        let shown = format!("{:?}{:?}", span.status(), span.events());
        assert!(shown.contains(&"e".repeat(1_024)), "{shown}");
        assert!(!shown.contains(&"e".repeat(1_025)), "{shown}");
    }
}

in_every_mode! { MEASURED:
    fn a_text_of_a_client_is_no_attribute_of_a_metric(mode: Mode) {
        let server = Server::start(mode, app);
        let line = format!("{} /", "M".repeat(LONG));
        let mut connection = Connection::send(server.address, &line, &["connection: close"]);
        connection.read_to_end();
        let points = server.meters.wait_for("http.server.request.duration", 1);
        for (key, value) in &points[0].attributes {
            assert!(value.to_string().len() < 100, "{key}: {value}");
        }
    }
}
