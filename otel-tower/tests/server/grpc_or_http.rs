//! Requests that look like gRPC calls, to a server that has both kinds.

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::any;
use opentelemetry::Value;
use otel_testkit::Span;
use otel_tower::{RouteLayer, ServerLayer};
use tower::Layer as _;

use crate::client::{Connection, http2_grpc_request, on_http2, request};
use crate::harness::{Mode, Server, in_every_mode};

const GRPC: [(&str, &str); 2] = [("content-type", "application/grpc"), ("grpc-status", "0")];

/// `/page/{id}` answers as HTTP, with the status of its id. `/shop.Pricing/Quote` answers as gRPC.
fn app(layer: ServerLayer) -> Router {
    let page = |path: axum::extract::Path<u16>| async move {
        let status = StatusCode::from_u16(path.0).unwrap();
        (status, [("content-type", "text/html")], "<p>").into_response()
    };
    Router::new()
        .route("/page/{status}", any(page))
        .route("/shop.Pricing/Quote", any(|| async { GRPC }))
        .layer(layer.grpc())
}

fn text(span: &Span, key: &str) -> Option<String> {
    span.attribute(key).map(ToString::to_string)
}

#[track_caller]
fn assert_http(server: &Server, method: &str, path: &str, route: Option<&str>, status: u16) {
    let error = (status >= 500).then(|| status.to_string());
    let span = server.assert_ended(Some(status.into()), error.as_deref());
    let points = server.meters.points("http.server.request.duration");
    let of = |key: &str| points[0].attributes.get(key).map(ToString::to_string);
    assert_eq!(of("http.request.method").as_deref(), Some(method));
    assert_eq!(of("http.route").as_deref(), route);
    assert_eq!(of("url.scheme").as_deref(), Some("http"));
    assert_eq!(of("rpc.system.name"), None);
    assert!(server.meters.points("rpc.server.call.duration").is_empty());
    let Some(span) = span else { return };
    let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
    assert_eq!(span.name(), name);
    assert_eq!(text(&span, "http.request.method").as_deref(), Some(method));
    assert_eq!(text(&span, "url.path").as_deref(), Some(path));
    assert_eq!(text(&span, "url.scheme").as_deref(), Some("http"));
    assert_eq!(text(&span, "http.route").as_deref(), route);
    assert_eq!(
        text(&span, "server.address").as_deref(),
        Some("shop.example")
    );
    assert_eq!(
        text(&span, "network.peer.address").as_deref(),
        Some("127.0.0.1")
    );
    let rpc = span
        .attributes()
        .iter()
        .filter(|it| it.key.as_str().starts_with("rpc."));
    assert_eq!(rpc.count(), 0, "{span:?}");
}

#[track_caller]
fn assert_call(server: &Server, method: &str, original: Option<&str>, mode: Mode) {
    let points = server.meters.wait_for("rpc.server.call.duration", 1);
    let of = |key: &str| points[0].attributes.get(key).map(ToString::to_string);
    assert_eq!(of("rpc.method").as_deref(), Some(method));
    assert!(
        server
            .meters
            .points("http.server.request.duration")
            .is_empty()
    );
    if mode == Mode::WithoutSdk {
        return;
    }
    let span = server.span();
    assert_eq!(text(&span, "rpc.system.name").as_deref(), Some("grpc"));
    assert_eq!(text(&span, "rpc.method").as_deref(), Some(method));
    assert_eq!(text(&span, "rpc.method_original").as_deref(), original);
    assert_eq!(text(&span, "http.request.method"), None);
    assert_eq!(
        text(&span, "network.peer.address").as_deref(),
        Some("127.0.0.1")
    );
    assert_eq!(text(&span, "client.address"), None);
}

in_every_mode! { MEASURED:
    fn a_content_type_alone_does_not_take_a_request_out_of_the_http_metrics(mode: Mode) {
        for method in ["GET", "POST", "PUT"] {
            let server = Server::start(mode, app);
            let line = format!("{method} /page/200");
            request(server.address, &line, &["content-type: application/grpc"]);
            assert_http(&server, method, "/page/200", Some("/page/{status}"), 200);
        }
    }

    fn a_request_is_a_call_only_if_it_is_post_over_http2_even_if_the_answer_is_grpc(mode: Mode) {
        let path = "/shop.Pricing/Quote";
        for method in ["GET", "PUT", "OPTIONS"] {
            let server = Server::start(mode, app);
            http2_grpc_request(server.address, method, path);
            assert_http(&server, method, path, Some(path), 200);
        }
        let server = Server::start(mode, app);
        let line = format!("POST {path}");
        request(server.address, &line, &["content-type: application/grpc", "te: trailers"]);
        assert_http(&server, "POST", path, Some(path), 200);
    }

    fn a_page_that_answers_what_looks_like_a_call_is_measured_as_http(mode: Mode) {
        for status in [200, 404, 415, 502] {
            let server = Server::start(mode, app);
            let path = format!("/page/{status}");
            assert_eq!(http2_grpc_request(server.address, "POST", &path), status);
            assert_http(&server, "POST", &path, Some("/page/{status}"), status);
        }
        let server = Server::start(mode, app);
        assert_eq!(http2_grpc_request(server.address, "POST", "/no.Such/Method"), 404);
        assert_http(&server, "POST", "/no.Such/Method", None, 404);
    }

    fn a_page_gets_its_route_from_a_router_behind_the_layer(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let routes = app(ServerLayer::new().skip(otel_tower::predicate::path_prefix("/")));
            let routes = routes.layer(RouteLayer::new());
            Router::new().fallback_service(layer.grpc().layer(routes))
        });
        http2_grpc_request(server.address, "POST", "/page/200");
        assert_http(&server, "POST", "/page/200", Some("/page/{status}"), 200);
    }

    fn a_list_of_methods_does_not_make_a_call_of_a_page(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let page = || async { ([("content-type", "text/html")], "<p>") };
            let layer = layer.grpc_methods(["shop.Pricing/Quote"]);
            Router::new().route("/page", any(page)).layer(layer)
        });
        http2_grpc_request(server.address, "POST", "/page");
        assert_http(&server, "POST", "/page", Some("/page"), 200);
    }

    fn post_over_http2_with_an_answer_of_grpc_is_a_call(mode: Mode) {
        let server = Server::start(mode, app);
        http2_grpc_request(server.address, "POST", "/shop.Pricing/Quote");
        assert_call(&server, "shop.Pricing/Quote", None, mode);
    }

    // A layer for HTTP in front of the service rejects the call, and the caller sees a failed call.
    fn a_call_of_a_known_method_stays_a_call_if_a_page_answers_it(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let refuse = || async { (StatusCode::SERVICE_UNAVAILABLE, "too many") };
            let layer = layer.grpc_methods(["shop.Pricing/Quote"]);
            Router::new().fallback(refuse).layer(layer)
        });
        http2_grpc_request(server.address, "POST", "/shop.Pricing/Quote");
        assert_call(&server, "shop.Pricing/Quote", None, mode);
        let points = server.meters.points("rpc.server.call.duration");
        let code = &points[0].attributes["rpc.status_code"];
        assert_eq!(code, &Value::from("UNAVAILABLE"));
    }

    fn a_request_that_is_given_up_before_its_answer_is_what_it_looks_like(mode: Mode) {
        let (announce, arrived) = std::sync::mpsc::channel();
        let server = Server::start(mode, move |layer| {
            let hang = move || {
                announce.send(()).unwrap();
                std::future::pending::<&str>()
            };
            Router::new().route("/shop.Pricing/Hang", any(hang)).layer(layer.grpc())
        });
        on_http2(server.address, async |mut sender| {
            let call = http::Request::post("http://shop.example:8080/shop.Pricing/Hang")
                .header("content-type", "application/grpc");
            let sent = sender.send_request(call.body(http_body_util::Empty::new()).unwrap());
            tokio::select! {
                _ = sent => panic!("it never answers"),
                () = async { while arrived.try_recv().is_err() { tokio::task::yield_now().await; } } => {}
            }
        });
        assert_call(&server, "_OTHER", Some("shop.Pricing/Hang"), mode);
    }
}

in_every_mode! { TRACED:
    fn a_client_s_address_is_on_spans_of_calls_only_by_option(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let trusted = "127.0.0.1".parse::<otel_tower::TrustedProxies>().unwrap();
            app(layer.grpc_client_address().trusted_proxies(trusted))
        });
        on_http2(server.address, async |mut sender| {
            let call = http::Request::post("http://shop.example:8080/shop.Pricing/Quote")
                .header("content-type", "application/grpc")
                .header("x-forwarded-for", "192.0.2.7");
            let call = call.body(http_body_util::Empty::new()).unwrap();
            sender.send_request(call).await.unwrap()
        });
        let span = server.span();
        assert_eq!(text(&span, "rpc.system.name").as_deref(), Some("grpc"));
        assert_eq!(text(&span, "client.address").as_deref(), Some("192.0.2.7"));
        assert_eq!(text(&span, "network.peer.address").as_deref(), Some("127.0.0.1"));
    }
}

#[test]
fn http10_is_never_a_call() {
    let server = Server::start(Mode::Tracing, app);
    let mut connection = Connection(std::net::TcpStream::connect(server.address).unwrap());
    let head = b"POST /page/200 HTTP/1.0\r\nhost: shop.example:8080\r\ncontent-type: application/grpc\r\n\r\n";
    std::io::Write::write_all(&mut connection.0, head).unwrap();
    connection.read_to_end();
    assert_http(&server, "POST", "/page/200", Some("/page/{status}"), 200);
}
