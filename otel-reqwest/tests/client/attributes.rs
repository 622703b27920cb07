//! Name, kind and attributes.

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{KeyValue, Value};
use otel_testkit::Recorder;

use crate::server::Server;
use crate::{block_on, client};

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
