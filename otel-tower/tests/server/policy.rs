//! What the layer was told: whom to trust, what to show, what to leave out.

use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::http::{HeaderName, StatusCode};
use axum::routing::{any, get as on_get};
use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{Array, Context, StringValue, Value};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};
use otel_testkit::Recorder;
use otel_tower::trust::Trust;
use otel_tower::{KnownMethods, Predicate, Secrets, predicate};

use crate::client::{get, request};
use crate::harness::{Mode, Server, in_every_mode};

const TRACEPARENT: &str = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn who() -> String {
    Context::map_current(|it| format!("<{}>", it.span().span_context().trace_id()))
}

fn array(values: [&'static str; 1]) -> Value {
    Value::Array(Array::String(values.map(StringValue::from).into()))
}

in_every_mode! { TRACED:
    fn a_skipped_request_has_no_span_and_is_forwarded(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer
                .skip(predicate::path_prefix("/health"))
                .skip(predicate::header(HeaderName::from_static("x-probe"), "1"))
                .skip(Predicate::new(|request| request.uri().query() == Some("quiet")));
            Router::new()
                .route("/health/live", on_get(who))
                .route("/who", on_get(who))
                .layer(layer)
        });
        let skipped = [
            request(server.address, "GET /health/live", &[TRACEPARENT]),
            request(server.address, "GET /who", &[TRACEPARENT, "x-probe: 1"]),
            request(server.address, "GET /who?quiet", &[TRACEPARENT]),
        ];
        for answer in skipped {
            assert!(answer.contains(&format!("<{TRACE_ID}>")), "{answer}");
        }
        get(server.address, "/who");
        assert_eq!(server.span().name(), "GET /who");
    }

    fn a_stranger_is_linked_or_ignored(mode: Mode) {
        for (trust, links) in [(Trust::Link, 1), (Trust::Ignore, 0)] {
            let server = Server::start(mode, move |layer| {
                Router::new().route("/who", on_get(who)).layer(layer.trust(trust))
            });
            request(server.address, "GET /who", &[TRACEPARENT]);
            let span = server.span();
            assert_ne!(span.trace_id().to_string(), TRACE_ID);
            assert_eq!(span.parent_span_id(), None);
            let linked: Vec<_> = span.links().iter().map(|it| it.span_context.trace_id()).collect();
            assert_eq!(linked.len(), links);
            assert!(linked.iter().all(|it| it.to_string() == TRACE_ID));
        }
    }

    fn named_headers_are_captured_and_secrets_never(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer
                .capture_request_headers(["x-tenant-*", "authorization"])
                .capture_response_headers(["content-type", "set-cookie"]);
            let answer = || async { ([("set-cookie", "session=1")], "hello") };
            Router::new().route("/", on_get(answer)).layer(layer)
        });
        let headers = ["x-tenant-name: blue", "x-tenant-token: 1", "authorization: Bearer x"];
        request(server.address, "GET /", &headers);
        let span = server.span();
        assert_eq!(span.attribute("http.request.header.x-tenant-name"), Some(&array(["blue"])));
        assert_eq!(
            span.attribute("http.response.header.content-type"),
            Some(&array(["text/plain; charset=utf-8"]))
        );
        for key in [
            "http.request.header.x-tenant-token",
            "http.request.header.authorization",
            "http.response.header.set-cookie",
        ] {
            assert_eq!(span.attribute(key), None, "{key}");
        }
    }

    fn the_list_of_secrets_can_be_extended_and_replaced(mode: Mode) {
        let table = [
            (Secrets::default().also(["tenant"]), "token=REDACTED&tenant=REDACTED"),
            (Secrets::dangerously_only(["tenant"]), "token=1&tenant=REDACTED"),
            (Secrets::dangerously_off(), "token=1&tenant=2"),
        ];
        for (secrets, expected) in table {
            let server = Server::start(mode, |layer| {
                Router::new().route("/", on_get(who)).layer(layer.secrets(secrets))
            });
            get(server.address, "/?token=1&tenant=2");
            let query = server.span().attribute("url.query").cloned();
            assert_eq!(query, Some(Value::from(expected)));
        }
    }

    fn hooks_name_the_span_and_add_to_it_and_overrule_its_status(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer
                .on_request(|request, span| {
                    span.set_attribute("shop.path", request.uri().path().len() as i64);
                })
                .on_response(|request, response, span| {
                    assert!(span.is_recording());
                    assert_eq!(request.headers()["x-tenant"], "blue");
                    span.set_name("renamed");
                    match response.status() {
                        StatusCode::NOT_FOUND => span.set_error("not_there"),
                        _ => span.clear_error(),
                    }
                });
            Router::new()
                .route("/missing", on_get(|| async { StatusCode::NOT_FOUND }))
                .layer(layer)
        });
        request(server.address, "GET /missing", &["x-tenant: blue"]);
        let span = server.assert_ended(Some(404), Some("not_there")).unwrap();
        assert_eq!(span.name(), "renamed");
        assert_eq!(span.attribute("shop.path"), Some(&Value::I64(8)));
    }

    fn a_5xx_that_is_expected_is_no_error(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer.on_response(|_, _, span| span.clear_error());
            let unavailable = || async { StatusCode::SERVICE_UNAVAILABLE };
            Router::new().route("/", on_get(unavailable)).layer(layer)
        });
        get(server.address, "/");
        server.assert_ended(Some(503), None);
    }

    fn a_function_that_panics_does_not_break_the_request(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer
                .skip(Predicate::new(|_| panic!("on purpose")))
                .on_request(|_, _| panic!("on purpose"))
                .on_response(|_, _, _| panic!("on purpose"))
                .route(|_| panic!("on purpose"))
                .peer(|_| panic!("on purpose"))
                .trust(otel_tower::trust::TrustPolicy::by(|_| panic!("on purpose")))
                .end_at_by(|_, _| panic!("on purpose"));
            Router::new().route("/", on_get(|| async { "hello" })).layer(layer)
        });
        assert!(request(server.address, "GET /", &[TRACEPARENT]).ends_with("hello"));
        let span = server.assert_ended(Some(200), None).unwrap();
        assert_eq!(span.parent_span_id(), None, "trust without an answer trusts no one");
    }

    fn the_route_and_the_methods_can_be_ones_own(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer
                .route(|request| Some(request.uri().path().split_once('-')?.0))
                .known_methods(KnownMethods::from_list("BREW"));
            Router::new().fallback(|| async { "tea" }).layer(layer)
        });
        request(server.address, "BREW /pot-42", &[]);
        let span = server.span();
        assert_eq!(span.name(), "BREW /pot");
        assert_eq!(span.attribute("http.route"), Some(&Value::from("/pot")));
        assert_eq!(span.attribute("http.request.method"), Some(&Value::from("BREW")));
    }

    fn methods_are_added_to_the_list_and_those_of_webdav_with_one_call(mode: Mode) {
        let table = [
            ("GET", "GET", "GET /"),
            ("PROPFIND", "PROPFIND", "PROPFIND /"),
            ("UNLOCK", "UNLOCK", "UNLOCK /"),
            ("VERSION-CONTROL", "VERSION-CONTROL", "VERSION-CONTROL /"),
            ("PURGE", "PURGE", "PURGE /"),
            ("purge", "_OTHER", "HTTP /"),
            ("propfind", "_OTHER", "HTTP /"),
            ("BREW", "_OTHER", "HTTP /"),
        ];
        for (method, value, name) in table {
            let server = Server::start(mode, |layer| {
                let layer = layer
                    .additional_known_methods(KnownMethods::WEBDAV)
                    .additional_known_methods(["PURGE"]);
                Router::new().route("/", any(|| async {})).layer(layer)
            });
            request(server.address, &format!("{method} /"), &[]);
            let span = server.span();
            assert_eq!(span.name(), name);
            let known = span.attribute("http.request.method").cloned();
            assert_eq!(known, Some(Value::from(value)));
            let original = span.attribute("http.request.method_original").cloned();
            let expected = (value == "_OTHER").then(|| Value::from(method));
            assert_eq!(original, expected);
        }
    }

    fn the_peer_can_be_found_by_a_function(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let peer = SocketAddr::new(IpAddr::from([192, 0, 2, 7]), 4711);
            let layer = layer.peer(move |_| Some(peer)).https();
            Router::new().route("/", on_get(who)).layer(layer)
        });
        get(server.address, "/");
        let span = server.span();
        assert_eq!(span.attribute("network.peer.address"), Some(&Value::from("192.0.2.7")));
        assert_eq!(span.attribute("network.peer.port"), Some(&Value::I64(4711)));
        assert_eq!(span.attribute("client.address"), Some(&Value::from("192.0.2.7")));
        assert_eq!(span.attribute("url.scheme"), Some(&Value::from("https")));
    }

    fn a_sampler_that_asks_for_attributes_can_have_them(mode: Mode) {
        let recorder = Recorder::builder().sampler(NoPath("/quiet")).build();
        let server = Server::start_with(mode, recorder, |layer| {
            Router::new()
                .route("/quiet", on_get(who))
                .route("/silent", on_get(who))
                .route("/who", on_get(who))
                .layer(layer.attributes_for_sampler())
        });
        get(server.address, "/quiet");
        get(server.address, "/silent");
        get(server.address, "/who");
        let span = server.span();
        assert_eq!(span.name(), "GET /who");
        assert_eq!(span.attribute("url.path"), Some(&Value::from("/who")));
        let paths = span.attributes().iter().filter(|it| it.key.as_str() == "url.path");
        assert_eq!(paths.count(), 1);
    }

    fn a_sampler_that_overrules_the_caller_gets_a_whole_span(mode: Mode) {
        let recorder = Recorder::builder().sampler(Sampler::AlwaysOn).build();
        let server = Server::start_with(mode, recorder, |layer| {
            Router::new().route("/who", on_get(who)).layer(layer)
        });
        let unsampled = TRACEPARENT.replace("b7-01", "b7-00");
        request(server.address, "GET /who", &[&unsampled]);
        let span = server.span();
        assert_eq!(span.name(), "GET /who");
        assert_eq!(span.attribute("url.path"), Some(&Value::from("/who")));
        assert_eq!(span.status(), &Status::Unset);
    }
}

/// Drops the spans of one path, and those of one name.
#[derive(Debug, Clone)]
struct NoPath(&'static str);

impl ShouldSample for NoPath {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: opentelemetry::TraceId,
        name: &str,
        kind: &opentelemetry::trace::SpanKind,
        attributes: &[opentelemetry::KeyValue],
        links: &[opentelemetry::trace::Link],
    ) -> SamplingResult {
        let is_path = |it: &opentelemetry::KeyValue| {
            it.key.as_str() == "url.path" && it.value == Value::from(self.0)
        };
        let mut result =
            Sampler::AlwaysOn.should_sample(parent, trace_id, name, kind, attributes, links);
        if attributes.iter().any(is_path) || name == "GET /silent" {
            result.decision = SamplingDecision::Drop;
        }
        result
    }
}
