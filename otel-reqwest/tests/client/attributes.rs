//! Name, kind and attributes.

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{KeyValue, Value};
use otel_reqwest::KnownMethods;
use otel_reqwest::UrlTemplate;
use otel_testkit::Recorder;

use crate::server::Server;
use crate::{block_on, client, client_with, middleware};

#[test]
fn a_request_has_the_attributes_of_the_conventions_with_their_types() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let url = server.url("/users/42?lang=en");
    block_on(client(&recorder).get(&url).send()).unwrap();
    let span = &recorder.trace().spans()[0].clone();
    assert_eq!(span.name(), "GET");
    assert_eq!(span.kind(), &SpanKind::Client);
    assert_eq!(span.status(), &Status::Unset);
    let mut attributes = span.attributes().to_vec();
    attributes.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
    let port = i64::from(server.address.port());
    assert_eq!(
        attributes,
        [
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("http.response.status_code", 200),
            KeyValue::new("network.peer.address", "127.0.0.1"),
            KeyValue::new("network.peer.port", port),
            KeyValue::new("network.protocol.version", "1.1"),
            KeyValue::new("server.address", "127.0.0.1"),
            KeyValue::new("server.port", port),
            KeyValue::new("url.full", url),
        ]
    );
}

#[test]
fn no_secret_of_the_url_is_on_the_span() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let url = format!(
        "http://ada:hunter2@{}/?token=hunter2&sig=hunter2&x=1",
        server.address
    );
    block_on(client(&recorder).get(url).send()).unwrap();
    let trace = recorder.trace();
    // reqwest has moved the user info to a header before any middleware sees the URL.
    let full = format!("http://{}/?token=REDACTED&sig=REDACTED&x=1", server.address);
    assert_eq!(
        trace.spans()[0].attribute("url.full"),
        Some(&Value::from(full))
    );
    assert!(!format!("{trace:?}").contains("hunter2"), "{trace:?}");
}

#[test]
fn a_method_no_one_knows_is_other() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let brew = reqwest::Method::from_bytes(b"BREW").unwrap();
    block_on(client(&recorder).request(brew, server.url("/pot")).send()).unwrap();
    let trace = recorder.trace();
    let span = &trace.spans()[0];
    assert_eq!(span.name(), "HTTP");
    assert_eq!(
        span.attribute("http.request.method"),
        Some(&Value::from("_OTHER"))
    );
    assert_eq!(
        span.attribute("http.request.method_original"),
        Some(&Value::from("BREW"))
    );
}

#[test]
fn the_port_of_the_scheme_is_set_and_an_ipv6_address_has_no_brackets() {
    let recorder = Recorder::new();
    // Nothing answers there; the attributes of the start are what counts.
    let refused = block_on(client(&recorder).get("http://[::1]/").send());
    assert!(refused.is_err());
    let trace = recorder.trace();
    let span = &trace.spans()[0];
    assert_eq!(span.attribute("server.address"), Some(&Value::from("::1")));
    assert_eq!(span.attribute("server.port"), Some(&Value::I64(80)));
}

#[test]
fn a_template_names_the_span() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let middleware = middleware(&recorder).url_templates(["/users/{id}"]);
    let client = client_with(reqwest::Client::new(), middleware);
    block_on(async {
        let own = UrlTemplate::new("/users/{name}");
        client.get(server.url("/users/42")).send().await.unwrap();
        let request = client.get(server.url("/users/ada"));
        request.with_extension(own).send().await.unwrap();
        client.get(server.url("/other")).send().await.unwrap();
    });
    let spans = recorder.spans();
    let seen: Vec<_> = spans
        .iter()
        .map(|span| (span.name(), span.attribute("url.template").cloned()))
        .collect();
    assert_eq!(
        seen,
        [
            ("GET /users/{id}", Some(Value::from("/users/{id}"))),
            ("GET /users/{name}", Some(Value::from("/users/{name}"))),
            ("GET", None),
        ]
    );
}

#[test]
fn named_headers_are_captured_and_secret_ones_never() {
    let recorder = Recorder::new();
    let server = Server::answering(
        "HTTP/1.1 200 OK\r\nx-shard: 7\r\nset-cookie: hunter2\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    );
    let middleware = middleware(&recorder)
        .capture_request_headers(["X-Tenant", "authorization"])
        .capture_response_headers(["x-*", "set-cookie"]);
    let client = client_with(reqwest::Client::new(), middleware);
    let request = client.get(server.url("/")).header("x-tenant", "blue");
    block_on(request.bearer_auth("hunter2").send()).unwrap();
    let trace = recorder.trace();
    let span = &trace.spans()[0];
    let list =
        |value: &'static str| Value::Array(vec![opentelemetry::StringValue::from(value)].into());
    let captured = span.attribute("http.request.header.x-tenant");
    assert_eq!(captured, Some(&list("blue")));
    let captured = span.attribute("http.response.header.x-shard");
    assert_eq!(captured, Some(&list("7")));
    assert!(!format!("{trace:?}").contains("hunter2"), "{trace:?}");
}

#[test]
fn the_user_agent_is_the_one_that_is_sent() {
    for (own, sent) in [(None, "shop/2"), (Some("cart/1"), "cart/1")] {
        let recorder = Recorder::new();
        let server = Server::with_status("200 OK");
        let middleware = middleware(&recorder).user_agent("shop/2".parse().unwrap());
        let mut request = client_with(reqwest::Client::new(), middleware).get(server.url("/"));
        if let Some(own) = own {
            request = request.header("user-agent", own);
        }
        block_on(request.send()).unwrap();
        assert_eq!(server.header("user-agent"), [sent]);
        let trace = recorder.trace();
        let recorded = trace.spans()[0].attribute("user_agent.original");
        assert_eq!(recorded, Some(&Value::from(sent)));
    }
}

#[test]
fn known_methods_are_a_list_in_place_of_the_default() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let middleware = middleware(&recorder).known_methods(["BREW"]);
    let client = client_with(reqwest::Client::new(), middleware);
    let brew = reqwest::Method::from_bytes(b"BREW").unwrap();
    block_on(async {
        client.request(brew, server.url("/")).send().await.unwrap();
        client.get(server.url("/")).send().await.unwrap();
    });
    let spans = recorder.spans();
    let names: Vec<_> = spans.iter().map(otel_testkit::Span::name).collect();
    assert_eq!(names, ["BREW", "HTTP"]);
}

#[test]
fn additional_methods_keep_the_methods_of_the_conventions() {
    let recorder = Recorder::new();
    let server = Server::with_status("200 OK");
    let middleware = middleware(&recorder).additional_known_methods(KnownMethods::WEBDAV);
    let client = client_with(reqwest::Client::new(), middleware);
    block_on(async {
        for method in ["PROPFIND", "GET", "BREW"] {
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let request = client.request(method, server.url("/"));
            request.send().await.unwrap();
        }
    });
    let spans = recorder.spans();
    let names: Vec<_> = spans.iter().map(otel_testkit::Span::name).collect();
    assert_eq!(names, ["PROPFIND", "GET", "HTTP"]);
}

#[test]
fn the_list_of_secrets_is_extended_or_replaced() {
    use otel_reqwest::Secrets;

    let table = [
        (
            Secrets::default().also(["cart"]),
            "/?cart=REDACTED&token=REDACTED",
        ),
        (
            Secrets::dangerously_only(["cart"]),
            "/?cart=REDACTED&token=b",
        ),
        (Secrets::dangerously_off(), "/?cart=a&token=b"),
    ];
    for (secrets, expected) in table {
        let recorder = Recorder::new();
        let server = Server::with_status("200 OK");
        let middleware = middleware(&recorder).secrets(secrets);
        let client = client_with(reqwest::Client::new(), middleware);
        block_on(client.get(server.url("/?cart=a&token=b")).send()).unwrap();
        let trace = recorder.trace();
        let full = Value::from(server.url(expected));
        assert_eq!(trace.spans()[0].attribute("url.full"), Some(&full));
    }
}
