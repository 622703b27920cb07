//! Name, kind and attributes.

use http::Request;
use http::header::USER_AGENT;
use http_body_util::BodyExt as _;
use opentelemetry::{KeyValue, StringValue, Value};
use otel_testkit::{Recorder, Span};
use otel_tower::UrlTemplate;
use tower::{Layer as _, ServiceExt as _};

use crate::harness::{block_on, client, get, in_work, layer, only_call, serve};

fn sorted(span: &Span) -> Vec<KeyValue> {
    let mut attributes = span.attributes().to_vec();
    attributes.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
    attributes
}

#[test]
fn a_request_has_the_attributes_of_the_conventions_with_their_types() {
    let recorder = Recorder::new();
    let address = in_work(&recorder, async {
        let (address, _) = serve().await;
        let client = layer(&recorder).layer(client());
        let request = get(address, "/users/42?lang=en&sig=hunter2");
        let response = client.oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap();
        assert_eq!(body.to_bytes(), "hello");
        address
    });
    let span = only_call(&recorder);
    assert_eq!(span.name(), "GET");
    let port = i64::from(address.port());
    assert_eq!(
        sorted(&span),
        [
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("http.response.status_code", 200),
            KeyValue::new("network.peer.address", "127.0.0.1"),
            KeyValue::new("network.peer.port", port),
            KeyValue::new("network.protocol.version", "1.1"),
            KeyValue::new("server.address", "127.0.0.1"),
            KeyValue::new("server.port", port),
            KeyValue::new(
                "url.full",
                format!("http://{address}/users/42?lang=en&sig=REDACTED")
            ),
        ]
    );
}

#[test]
fn long_user_info_leaves_no_part_of_the_password() {
    let recorder = Recorder::new();
    in_work(&recorder, async {
        let (address, _) = serve().await;
        let client = layer(&recorder).layer(client());
        let mut request = get(address, "/");
        let password = format!("hunter2{}", "x".repeat(3_000));
        *request.uri_mut() = format!("http://ada:{password}@{address}/{}", "p".repeat(3_000))
            .parse()
            .unwrap();
        client.oneshot(request).await.unwrap();
    });
    let span = only_call(&recorder);
    let url = span.attribute("url.full").unwrap().to_string();
    assert!(
        url.starts_with("http://REDACTED:REDACTED@127.0.0.1:"),
        "{url}"
    );
    assert_eq!(url.len(), 2_048);
}

#[test]
fn a_request_without_a_host_goes_to_the_origin_that_was_told() {
    let recorder = Recorder::new();
    let layer = layer(&recorder).origin("https://shop.example".parse().unwrap());
    block_on(async {
        let service = tower::service_fn(|_: Request<String>| async {
            Ok::<_, std::io::Error>(http::Response::new(String::new()))
        });
        let request = Request::post("/buy?token=hunter2").body("tea".to_owned());
        layer
            .layer(service)
            .oneshot(request.unwrap())
            .await
            .unwrap();
    });
    let span = &recorder.spans()[0];
    let of = |key| span.attribute(key).cloned();
    assert_eq!(of("server.address"), Some("shop.example".into()));
    assert_eq!(of("server.port"), Some(443.into()));
    let url = "https://shop.example/buy?token=REDACTED";
    assert_eq!(of("url.full"), Some(url.into()));
}

#[test]
fn what_was_asked_for_is_recorded_as_well() {
    let recorder = Recorder::new();
    let layer = layer(&recorder)
        .capture_request_headers(["x-tenant", "authorization"])
        .capture_response_headers(["content-type"])
        .user_agent("shop/1".parse().unwrap())
        .url_templates(["/users/{id}"])
        .body_sizes();
    let seen = in_work(&recorder, async {
        let (address, seen) = serve().await;
        let mut request = get(address, "/users/42");
        *request.body_mut() = "tea".into();
        let headers = request.headers_mut();
        headers.insert("x-tenant", "blue".parse().unwrap());
        headers.insert("authorization", "hunter2".parse().unwrap());
        layer.layer(client()).oneshot(request).await.unwrap();
        seen
    });
    let span = only_call(&recorder);
    let list = |text: &'static str| Value::Array(vec![StringValue::from(text)].into());
    let of = |key| span.attribute(key).cloned();
    assert_eq!(span.name(), "GET /users/{id}");
    assert_eq!(of("http.request.header.x-tenant"), Some(list("blue")));
    let kind = list("text/plain; charset=utf-8");
    assert_eq!(of("http.response.header.content-type"), Some(kind));
    assert_eq!(of("user_agent.original"), Some("shop/1".into()));
    assert_eq!(
        seen.header(USER_AGENT.as_str()),
        [Some("shop/1".to_owned())]
    );
    assert_eq!(of("url.template"), Some("/users/{id}".into()));
    assert_eq!(of("http.request.body.size"), Some(3.into()));
    assert_eq!(of("http.response.body.size"), Some(5.into()));
    assert!(!format!("{span:?}").contains("hunter2"), "{span:?}");
}

#[test]
fn a_template_of_the_request_wins_and_hooks_have_the_last_word() {
    let recorder = Recorder::new();
    let layer = layer(&recorder)
        .url_templates(["/status/{code}"])
        .on_request(|request, span| {
            span.set_attribute("asked", request.uri().path().to_owned());
        })
        .on_response(|request, response, span| {
            assert!(request.headers().get("traceparent").is_none());
            if response.status() == 404 {
                span.clear_error();
            }
        });
    in_work(&recorder, async {
        let (address, _) = serve().await;
        let mut request = get(address, "/status/404");
        request.extensions_mut().insert(UrlTemplate::new("/own"));
        layer.layer(client()).oneshot(request).await.unwrap();
    });
    let span = only_call(&recorder);
    assert_eq!(span.name(), "GET /own");
    assert_eq!(span.attribute("asked"), Some(&"/status/404".into()));
    crate::harness::assert_ended(&span, Some(404), None);
}

#[test]
fn what_is_kept_of_a_request_is_not_shown_with_its_response() {
    let recorder = Recorder::new();
    let client = layer(&recorder)
        .end_at(otel_tower::EndAt::Body)
        .on_response(|_, _, _| ());
    let server = otel_tower::ServerLayer::new()
        .tracer_provider(&recorder.tracer_provider())
        .on_response(|_, _, _| ());
    let answer = tower::service_fn(|_: Request<String>| async {
        Ok::<_, std::io::Error>(http::Response::new("hello".to_owned()))
    });
    let request = Request::get("http://shop.example/?q=hunter2").header("authorization", "hunter2");
    let request = request.body(String::new()).unwrap();
    let future = client.layer(server.layer(answer)).oneshot(request);
    let response = block_on(future).unwrap();
    let shown = format!("{response:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    // the client's and the server's
    assert_eq!(shown.matches("Exchange {").count(), 2, "{shown}");
}
