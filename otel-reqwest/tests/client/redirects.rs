//! Redirects: who follows them, and what goes along.

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::FutureExt as _;
use opentelemetry::{Context, KeyValue, Value};
use otel_core::trust::{HostPolicy, OutgoingPolicy};
use otel_reqwest::{ClientMiddleware, Redirects, TooManyRedirects, UrlTemplate};
use otel_testkit::Recorder;
use reqwest::Body;
use reqwest_middleware::{ClientWithMiddleware, Error};

use crate::server::{Server, empty, redirect, values};
use crate::{
    assert_ended, attempts, block_on_in_work, client, client_with, middleware, traceparent,
};

fn following(middleware: ClientMiddleware) -> ClientWithMiddleware {
    middleware.build(reqwest::Client::builder()).unwrap()
}

/// The same server under its other name.
fn by_name(server: &Server, path: &str) -> String {
    format!("http://localhost:{}{path}", server.address.port())
}

fn ours() -> OutgoingPolicy {
    let ours = HostPolicy::only(["127.0.0.1"]).unwrap();
    OutgoingPolicy::default().trace(ours.clone()).baggage(ours)
}

fn full(span: &otel_testkit::Span) -> Option<&Value> {
    span.attribute("url.full")
}

#[test]
fn redirects_that_reqwest_follows_add_no_attribute_of_our_own() {
    let recorder = Recorder::new();
    let server =
        Server::answering_in_turn([redirect("302 Found", "/b?sig=hunter2"), empty("200 OK")]);
    let request = client(&recorder).get(server.url("/a")).send();
    block_on_in_work(&recorder, request).unwrap();
    let trace = recorder.trace();
    let [whole] = attempts(&trace)[..] else {
        panic!("{trace}")
    };
    assert_ended(whole, Some(200), None);
    assert_eq!(full(whole), Some(&server.url("/a").into()));
    let keys = whole.attributes().iter().map(|it| it.key.as_str());
    let own: Vec<&str> = keys.filter(|key| key.starts_with("reqwest")).collect();
    assert_eq!(own, [""; 0], "attributes that are in no registry");
    for _ in 0..2 {
        assert_eq!(server.header("traceparent"), [traceparent(whole)]);
    }
}

#[test]
fn each_hop_that_the_middleware_follows_is_a_span() {
    let recorder = Recorder::new();
    let server = Server::answering_in_turn([redirect("302 Found", "/b"), empty("200 OK")]);
    let client = following(middleware(&recorder));
    let request = client
        .get(server.url("/a"))
        .header("authorization", "Basic x")
        .send();
    let response = block_on_in_work(&recorder, request).unwrap();
    assert_eq!(response.url().as_str(), server.url("/b"));
    let trace = recorder.trace();
    let [first, second] = attempts(&trace)[..] else {
        panic!("{trace}")
    };
    assert_ended(first, Some(302), None);
    assert_ended(second, Some(200), None);
    assert_eq!(full(first), Some(&server.url("/a").into()));
    assert_eq!(full(second), Some(&server.url("/b").into()));
    let resends = |span: &otel_testkit::Span| span.attribute("http.request.resend_count").cloned();
    assert_eq!(
        (resends(first), resends(second)),
        (None, Some(Value::I64(1)))
    );
    for span in [first, second] {
        let head = server.head();
        assert_eq!(values(&head, "traceparent"), [traceparent(span)]);
        assert_eq!(values(&head, "authorization"), ["Basic x"]);
    }
}

#[test]
fn the_context_does_not_follow_to_an_excluded_host_and_comes_back_to_ours() {
    let recorder = Recorder::new();
    let ours_again = Server::with_status("200 OK");
    let theirs = Server::answering(&redirect("307 Temporary Redirect", &ours_again.url("/c")));
    let server = Server::answering(&redirect("302 Found", &by_name(&theirs, "/b")));
    let client = following(middleware(&recorder).outgoing(ours()));
    let request = client
        .get(server.url("/a"))
        .header("authorization", "Basic x")
        .header("cookie", "a=b");
    let work = async {
        let baggage = Context::current_with_baggage([KeyValue::new("user", "ada")]);
        request.send().with_context(baggage).await
    };
    block_on_in_work(&recorder, work).unwrap();
    let trace = recorder.trace();
    let [first, second, third] = attempts(&trace)[..] else {
        panic!("{trace}")
    };
    for (server, span) in [(server, first), (ours_again, third)] {
        let head = server.head();
        assert_eq!(values(&head, "traceparent"), [traceparent(span)]);
        assert_eq!(values(&head, "baggage"), ["user=ada"]);
    }
    assert_eq!(
        second.attribute("server.address"),
        Some(&"localhost".into())
    );
    let head = theirs.head();
    for name in [
        "traceparent",
        "tracestate",
        "baggage",
        "authorization",
        "cookie",
    ] {
        assert_eq!(values(&head, name), [""; 0], "{head:?}");
    }
}

#[test]
fn a_client_that_follows_by_itself_is_not_trusted_with_a_list_of_hosts() {
    let recorder = Recorder::new();
    let theirs = Server::with_status("200 OK");
    let server = Server::answering(&redirect("302 Found", &by_name(&theirs, "/b")));
    let client = client_with(
        reqwest::Client::new(),
        middleware(&recorder).outgoing(ours()),
    );
    block_on_in_work(&recorder, client.get(server.url("/a")).send()).unwrap();
    assert_eq!(server.header("traceparent"), [""; 0]);
    assert_eq!(theirs.header("traceparent"), [""; 0]);
    assert_eq!(attempts(&recorder.trace()).len(), 1);
}

#[test]
fn a_client_that_follows_although_the_middleware_should_is_warned_of() {
    let recorder = Recorder::new();
    let _subscriber = tracing::subscriber::set_default(recorder.subscriber());
    let answers = [redirect("302 Found", "/b"), empty("200 OK")];
    let server = Server::answering_in_turn(answers);
    let middleware = middleware(&recorder).redirects(Redirects::Follow(2));
    let client = client_with(reqwest::Client::new(), middleware);
    block_on_in_work(&recorder, client.get(server.url("/a")).send()).unwrap();
    let lines = recorder.logs();
    let warning = lines.iter().find(|line| line.level() == "WARN").unwrap();
    assert!(warning.message().contains("Policy::none()"), "{warning}");
}

#[test]
fn one_redirect_too_many_is_an_error_of_the_last_hop() {
    let recorder = Recorder::new();
    let server = Server::answering(&redirect("302 Found", "/"));
    let client = following(middleware(&recorder).redirects(Redirects::Follow(2)));
    let error = block_on_in_work(&recorder, client.get(server.url("/")).send()).unwrap_err();
    let Error::Middleware(error) = error else {
        panic!("{error:?}")
    };
    assert!(error.is::<TooManyRedirects>());
    assert_eq!(error.to_string(), "too many redirects");
    let trace = recorder.trace();
    let [first, second, third] = attempts(&trace)[..] else {
        panic!("{trace}")
    };
    assert_ended(first, Some(302), None);
    assert_ended(second, Some(302), None);
    assert_ended(third, Some(302), Some("redirect"));
}

#[test]
fn method_and_body_follow_as_rfc_9110_says() {
    // status, method, what the second request begins with, whether it has a body
    let table = [
        ("301 Moved Permanently", "POST", "GET", false),
        ("302 Found", "POST", "GET", false),
        ("302 Found", "PUT", "PUT", true),
        ("303 See Other", "PUT", "GET", false),
        ("303 See Other", "HEAD", "HEAD", false),
        ("307 Temporary Redirect", "POST", "POST", true),
        ("308 Permanent Redirect", "POST", "POST", true),
    ];
    for (status, method, then, has_body) in table {
        let recorder = Recorder::new();
        let server = Server::answering_in_turn([redirect(status, "/b"), empty("200 OK")]);
        let request = following(middleware(&recorder))
            .request(method.parse().unwrap(), server.url("/a"))
            .header("content-type", "text/plain")
            .body("three");
        block_on_in_work(&recorder, request.send()).unwrap();
        let (first, second) = (server.head(), server.head());
        assert_eq!(first[0], format!("{method} /a HTTP/1.1"), "{status}");
        assert_eq!(
            second[0],
            format!("{then} /b HTTP/1.1"),
            "{status} {method}"
        );
        let length: &[&str] = if has_body { &["5"] } else { &[] };
        assert_eq!(
            values(&second, "content-length"),
            length,
            "{status} {method}"
        );
        let is_typed = !values(&second, "content-type").is_empty();
        assert_eq!(is_typed, has_body, "{status} {method}");
    }
}

#[test]
fn what_cannot_be_followed_is_the_answer() {
    // name, response, whether the body is a stream
    let table = [
        (
            "a stream that would have to be sent again",
            redirect("307 Temporary Redirect", "/b"),
            true,
        ),
        ("no location", empty("302 Found"), false),
        (
            "another scheme",
            redirect("302 Found", "ftp://127.0.0.1/"),
            false,
        ),
        ("no redirect at all", redirect("201 Created", "/b"), false),
    ];
    for (name, answer, is_stream) in table {
        let recorder = Recorder::new();
        let server = Server::answering(&answer);
        let stream = futures_util::stream::iter([Ok::<_, std::io::Error>("three")]);
        let body = if is_stream {
            Body::wrap_stream(stream)
        } else {
            "three".into()
        };
        let request = following(middleware(&recorder))
            .post(server.url("/a"))
            .body(body);
        let response = block_on_in_work(&recorder, request.send()).unwrap();
        assert!(!response.status().is_client_error(), "{name}");
        assert_eq!(attempts(&recorder.trace()).len(), 1, "{name}");
    }
}

#[test]
fn no_one_follows_where_no_one_shall() {
    let recorder = Recorder::new();
    let server = Server::answering(&redirect("302 Found", "/b"));
    let client = following(middleware(&recorder).redirects(Redirects::No));
    let response = block_on_in_work(&recorder, client.get(server.url("/a")).send()).unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(attempts(&recorder.trace()).len(), 1);
}

#[test]
fn the_template_of_a_request_is_not_that_of_the_place_it_is_sent_to() {
    let recorder = Recorder::new();
    let server = Server::answering_in_turn([
        redirect("307 Temporary Redirect", "/users/42/photo?again"),
        redirect("302 Found", "/blobs/17"),
        empty("200 OK"),
    ]);
    let client = following(middleware(&recorder).url_templates(["/blobs/{id}"]));
    let request = client
        .get(server.url("/users/42/photo"))
        .with_extension(UrlTemplate::new("/users/{id}/photo"))
        .send();
    block_on_in_work(&recorder, request).unwrap();
    let trace = recorder.trace();
    let names: Vec<_> = attempts(&trace).iter().map(|it| it.name()).collect();
    let own = "GET /users/{id}/photo";
    assert_eq!(names, [own, own, "GET /blobs/{id}"]);
}
