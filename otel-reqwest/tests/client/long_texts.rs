//! Texts that are longer than anything that is recorded, and paths that hold secrets.

use opentelemetry::{Array, Value};
use otel_reqwest::{ClientMiddleware, PathRedaction, Redirects, TextLimits, UrlTemplate};
use otel_testkit::{Recorder, Span};
use reqwest_middleware::ClientWithMiddleware;

use crate::server::{Server, empty, redirect};
use crate::{attempts, block_on_in_work, client_with, middleware, only_attempt};

const LONG: usize = 30_000;

fn client(middleware: ClientMiddleware) -> ClientWithMiddleware {
    client_with(reqwest::Client::new(), middleware)
}

fn full(span: &Span) -> String {
    span.attribute("url.full").unwrap().to_string()
}

#[test]
fn a_long_url_is_cut_and_its_secrets_are_redacted_before() {
    let table = [
        format!("/{}", "p".repeat(LONG)),
        format!("/?{}&sig=hunter2{}", "q".repeat(2_000), "x".repeat(LONG)),
        format!("/?{}", "sig=hunter2&".repeat(400)),
    ];
    for target in table {
        let recorder = Recorder::new();
        let server = Server::with_status("200 OK");
        let sending = client(middleware(&recorder))
            .get(server.url(&target))
            .send();
        block_on_in_work(&recorder, sending).unwrap();
        let span = only_attempt(&recorder);
        let length = full(&span).len();
        assert!((2_000..=2_048).contains(&length), "{length}");
        assert!(!full(&span).contains("hunter"), "{span:?}");
    }
}

#[test]
fn what_a_server_chooses_is_cut() {
    let recorder = Recorder::new();
    let long = "l".repeat(LONG);
    let many = format!("\r\nx-many: {}", "m".repeat(900)).repeat(12);
    let server = Server::answering_in_turn([
        redirect(
            &format!("302 Found\r\nx-a: {long}{many}"),
            &format!("/{long}"),
        ),
        empty("200 OK"),
    ]);
    let middleware = middleware(&recorder)
        .redirects(Redirects::Follow(1))
        .capture_response_headers(["*"]);
    let sending = client_with(
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap(),
        middleware,
    )
    .get(server.url("/"))
    .send();
    block_on_in_work(&recorder, sending).unwrap();
    let trace = recorder.trace();
    let [first, second] = attempts(&trace)[..] else {
        panic!("{trace}")
    };
    let mut all = 0;
    for attribute in first.attributes() {
        if let Value::Array(Array::String(lines)) = &attribute.value {
            assert!(lines.iter().all(|line| line.as_str().len() <= 1_024));
            all += lines.iter().map(|line| line.as_str().len()).sum::<usize>();
        }
    }
    assert!((4_096..=8_192).contains(&all), "{all}");
    assert_eq!(full(second).len(), 2_048);
}

#[test]
fn options_set_other_limits() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK\r\nx-a: 12345678901");
    let limits = TextLimits::default().url(30).other(10);
    let middleware = middleware(&recorder)
        .text_limits(limits)
        .capture_response_headers(["x-a"])
        .user_agent("12345678901".parse().unwrap());
    let sending = client(middleware).get(server.url("/a/b/c/d/e/f")).send();
    block_on_in_work(&recorder, sending).unwrap();
    let span = only_attempt(&recorder);
    assert_eq!(full(&span), server.url("/a/b/c/d/e/f")[..30]);
    let text = |key| span.attribute(key).map(ToString::to_string);
    assert_eq!(text("user_agent.original").as_deref(), Some("1234567890"));
    let header = text("http.response.header.x-a");
    assert_eq!(header.as_deref(), Some(r#"["1234567890"]"#));
}

#[test]
fn secrets_in_paths_are_redacted() {
    let templates = || PathRedaction::from_templates(["/reset/{token}"]);
    let function = PathRedaction::from_function(|path| Some(path.replace("hunter2", "…")));
    let panicking = PathRedaction::from_function(|_| panic!("on purpose"));
    let table = [
        (templates(), "/reset/hunter2?a=b", "/reset/REDACTED?a=b"),
        (
            templates(),
            "/RESET//hunter2/?sig=hunter2",
            "/RESET//REDACTED/?sig=REDACTED",
        ),
        (function, "/reset/hunter2", "/reset/%E2%80%A6"),
        (panicking, "/reset/hunter2?a=b", "/REDACTED?a=b"),
        (
            PathRedaction::with_route(),
            "/reset/hunter2?a=b",
            "/reset/{token}?a=b",
        ),
        (PathRedaction::with_route(), "/hunter2", "/REDACTED"),
    ];
    for (redaction, sent, expected) in table {
        let recorder = Recorder::new();
        let server = Server::with_status("200 OK");
        let middleware = middleware(&recorder)
            .url_templates(["/reset/{token}"])
            .redact_paths(redaction);
        let sending = client(middleware).get(server.url(sent)).send();
        block_on_in_work(&recorder, sending).unwrap();
        let span = only_attempt(&recorder);
        let expected = server.url(expected).replace("%E2%80%A6", "…");
        assert_eq!(full(&span), expected, "{sent}");
        assert!(!format!("{span:?}").contains("hunter"), "{span:?}");
        assert!(
            server.head()[0].contains("hunter2"),
            "the request is unchanged"
        );
    }
}

#[test]
fn a_redirect_shows_no_secret_of_its_path() {
    for redaction in [
        PathRedaction::from_templates(["/reset/{token}"]),
        PathRedaction::with_route(),
    ] {
        let recorder = Recorder::new();
        let location = "/reset/hunter2?a=b";
        let server = Server::answering_in_turn([redirect("302 Found", location), empty("200 OK")]);
        let middleware = middleware(&recorder)
            .redact_paths(redaction)
            .capture_response_headers(["location"]);
        let request = client(middleware).get(server.url("/start"));
        let request = request.with_extension(UrlTemplate::new("/start"));
        block_on_in_work(&recorder, request.send()).unwrap();
        let span = only_attempt(&recorder);
        assert!(!format!("{span:?}").contains("hunter"), "{span:?}");
        assert_eq!(full(&span), server.url("/start"));
    }
}
