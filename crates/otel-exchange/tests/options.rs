//! The options that server and client share have the same effect on both sides. Lists add, single values are replaced.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;

use http::{HeaderMap, Method, Request, Response, StatusCode};
use opentelemetry::Value;
use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use otel_exchange::client::{self, ClientOptions, OutgoingRequest, UrlTemplate};
use otel_exchange::conventions::http::KnownMethods;
use otel_exchange::predicate::{self, Predicate};
use otel_exchange::redact::Secrets;
use otel_exchange::server::{self, ServerOptions};
use otel_exchange::{CommonOptions, End, EndAt, ResponseHead};

/// Records the spans of one request, on a server and on a client with the same options.
fn both_sides(request: &Request<()>, set: impl Fn(&mut CommonOptions)) -> [Vec<SpanData>; 2] {
    let mut server = ServerOptions::new("test", "1");
    let mut client = ClientOptions::new("test", "1");
    let (server_spans, client_spans) = (exporter(), exporter());
    server.common_mut().set_tracer_provider(&server_spans.0);
    client.common_mut().set_tracer_provider(&client_spans.0);
    set(server.common_mut());
    set(client.common_mut());
    serve(&Arc::new(server), request.clone());
    send(&Arc::new(client), request);
    [server_spans, client_spans].map(|(_, exporter)| exporter.get_finished_spans().unwrap())
}

fn exporter() -> (SdkTracerProvider, InMemorySpanExporter) {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    (provider, exporter)
}

fn response() -> Response<()> {
    let response = Response::builder()
        .header("x-answer", "42")
        .header("x-other", "43")
        .status(StatusCode::NOT_FOUND);
    response.body(()).unwrap()
}

fn serve(options: &Arc<ServerOptions>, mut request: Request<()>) {
    let Some((mut exchange, entry)) = server::Exchange::open(options, &mut request) else {
        return;
    };
    exchange.run_first(entry, || ());
    exchange.respond(&mut response());
    exchange.data(5);
    exchange.finish(End::Complete);
}

fn send(options: &Arc<ClientOptions>, request: &Request<()>) {
    let outgoing = OutgoingRequest::from_request(request, None);
    if options.skips(&outgoing) {
        return;
    }
    let mut exchange = client::Exchange::open(options, &outgoing, 0);
    if let Some(sizes) = exchange.sizes() {
        sizes.set_response(Some(0));
    }
    let response = response();
    let head = ResponseHead::from_response(&response);
    exchange.respond(&head, None);
    exchange.data(5);
    exchange.finish(End::Complete);
}

fn get(uri: &str) -> Request<()> {
    let request = Request::get(uri)
        .header("x-tenant", "blue")
        .header("x-plan", "free");
    request.body(()).unwrap()
}

fn attribute(span: &SpanData, key: &str) -> Option<Value> {
    let mut attributes = span.attributes.iter();
    let found = attributes.find(|attribute| attribute.key.as_str() == key);
    found.map(|attribute| attribute.value.clone())
}

fn has_attribute(spans: &[SpanData], key: &str) -> bool {
    attribute(&spans[0], key).is_some()
}

#[test]
fn a_request_is_skipped_if_one_of_the_predicates_matches() {
    for (path, recorded) in [("/health", 0), ("/ready", 0), ("/quote", 1)] {
        for spans in both_sides(&get(&format!("http://shop.example{path}")), |common| {
            common.add_skip(predicate::path("/health"));
            common.add_skip(Predicate::new(|request| request.uri().path() == "/ready"));
        }) {
            assert_eq!(spans.len(), recorded, "{path}");
        }
    }
}

#[test]
fn a_predicate_that_panics_skips_nothing() {
    for spans in both_sides(&get("http://shop.example/"), |common| {
        common.add_skip(Predicate::new(|_| panic!("on purpose")));
    }) {
        assert_eq!(spans.len(), 1);
    }
}

#[test]
fn captured_headers_add() {
    for spans in both_sides(&get("http://shop.example/"), |common| {
        common.add_request_headers(["x-tenant"]);
        common.add_request_headers(["x-plan"]);
        common.add_response_headers(["x-answer"]);
        common.add_response_headers(["x-o*"]);
    }) {
        for key in [
            "http.request.header.x-tenant",
            "http.request.header.x-plan",
            "http.response.header.x-answer",
            "http.response.header.x-other",
        ] {
            assert!(has_attribute(&spans, key), "{key}: {spans:?}");
        }
    }
}

#[test]
fn known_methods_and_secrets_are_replaced() {
    let mut request = get("http://shop.example/?pin=1&token=2");
    *request.method_mut() = Method::PUT;
    let [server, client] = both_sides(&request, |common| {
        common.set_known_methods(KnownMethods::from_list("PUT"));
        common.set_known_methods(KnownMethods::from_list("GET"));
        common.set_secrets(Secrets::dangerously_only(["pin"]));
        common.set_secrets(Secrets::dangerously_only(["token"]));
    });
    for spans in [&server, &client] {
        let method = attribute(&spans[0], "http.request.method");
        assert_eq!(method, Some("_OTHER".into()));
    }
    let query = attribute(&server[0], "url.query");
    assert_eq!(query, Some("pin=1&token=REDACTED".into()));
    let url = attribute(&client[0], "url.full");
    assert_eq!(
        url,
        Some("http://shop.example/?pin=1&token=REDACTED".into())
    );
}

#[test]
fn hooks_add_and_run_in_order_and_one_that_panics_changes_nothing() {
    for spans in both_sides(&get("http://shop.example/"), |common| {
        common.add_request_hook(|_, span| span.set_name("first"));
        common.add_request_hook(|_, span| {
            span.set_name("lost");
            panic!("on purpose");
        });
        common.add_request_hook(|_, span| span.set_attribute("tenant", "blue"));
        common.add_response_hook(|_, _, span| span.clear_error());
        common.add_response_hook(|request, response, span| {
            assert_eq!(request.uri().path(), "/");
            assert_eq!(response.status(), StatusCode::NOT_FOUND);
            span.set_error("no_quote");
        });
    }) {
        assert_eq!(spans[0].name, "first");
        assert_eq!(attribute(&spans[0], "tenant"), Some("blue".into()));
        assert_eq!(attribute(&spans[0], "error.type"), Some("no_quote".into()));
        assert_eq!(spans[0].status, Status::error(""));
    }
}

#[test]
fn body_sizes_are_recorded_only_if_the_option_is_set() {
    for (is_set, expected) in [(true, Some(Value::I64(5))), (false, None)] {
        for spans in both_sides(&get("http://shop.example/"), |common| {
            if is_set {
                common.enable_body_sizes();
            }
        }) {
            let size = attribute(&spans[0], "http.response.body.size");
            assert_eq!(size, expected);
        }
    }
}

#[test]
fn the_last_end_counts() {
    let [server, _] = both_sides(&get("http://shop.example/"), |common| {
        common.enable_body_sizes();
        common.set_end_at(EndAt::Body);
        common.set_end_at(EndAt::Headers);
    });
    // the span has ended before the body, whose size is not known then
    assert!(!has_attribute(&server, "http.response.body.size"));
}

#[test]
fn url_templates_add_and_the_requests_own_wins() {
    let mut options = ClientOptions::new("test", "1");
    let (provider, exporter) = exporter();
    options.common_mut().set_tracer_provider(&provider);
    options.add_url_templates(["/users/{id}"]);
    options.add_url_templates(["/carts/{*rest}"]);
    let options = Arc::new(options);
    for path in ["/users/42", "/carts/1/items", "/"] {
        send(&options, &get(&format!("http://shop.example{path}")));
    }
    let mut own = get("http://shop.example/users/42");
    own.extensions_mut().insert(UrlTemplate::new("/own"));
    send(&options, &own);
    let spans = exporter.get_finished_spans().unwrap();
    let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
    assert_eq!(
        names,
        ["GET /users/{id}", "GET /carts/{*rest}", "GET", "GET /own"]
    );
}

#[test]
fn injected_headers_follow_the_policy() {
    use otel_exchange::client::Propagate;
    use otel_exchange::otel_core::propagation::CompositePropagator;
    use otel_exchange::trust::{HostPolicy, OutgoingPolicy};

    let mut options = ClientOptions::new("test", "1");
    let (provider, _) = exporter();
    options.common_mut().set_tracer_provider(&provider);
    let propagator: CompositePropagator = "tracecontext,baggage".parse().unwrap();
    options.common_mut().set_propagator(propagator);
    let ours = HostPolicy::only(["ours.example"]).unwrap();
    options.set_outgoing(OutgoingPolicy::default().trace(ours));
    let options = Arc::new(options);
    let request = get("http://ours.example/");
    let outgoing = OutgoingRequest::from_request(&request, None);
    let exchange = client::Exchange::open(&options, &outgoing, 0);
    for (host, own, expected) in [
        ("ours.example", None, true),
        ("ours.example", Some(Propagate::WithoutBaggage), true),
        ("ours.example", Some(Propagate::No), false),
        ("theirs.example", None, false),
    ] {
        let mut headers = HeaderMap::new();
        options.inject(exchange.context(), host, own, &mut headers);
        let is_injected = headers.contains_key("traceparent");
        assert_eq!(is_injected, expected, "{host} {own:?}");
    }
}
