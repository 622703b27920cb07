//! Two layers on one request, and requests that are handed on inside the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Uri;
use axum::routing::get as on_get;
use opentelemetry::trace::SpanKind;
use otel_core::propagation::CompositePropagator;
use otel_testkit::Recorder;
use otel_tower::{ClientLayer, ServerLayer, TraceHeader, predicate};
use tower::{Layer as _, ServiceExt as _};

use crate::client::get;
use crate::harness::{Mode, Server, in_every_mode};

fn hello() -> Router {
    Router::new().route("/users/{id}", on_get(|| async { "Ada" }))
}

/// A request inside another one looks like a context that was left active.
fn recorder() -> Recorder {
    Recorder::builder().expect_context_loss().build()
}

in_every_mode! { MEASURED:
    fn of_two_layers_the_outer_one_counts_and_the_inner_one_does_nothing(mode: Mode) {
        let hooks = Arc::new(AtomicUsize::new(0));
        let (first, second) = (Arc::clone(&hooks), Arc::clone(&hooks));
        let server = Server::start(mode, move |layer| {
            let inner = layer.clone()
                .response_header(TraceHeader::TraceId)
                .on_request(move |_, _| { first.fetch_add(1, Ordering::Relaxed); })
                .on_response(move |_, _, _| { second.fetch_add(1, Ordering::Relaxed); });
            hello().layer(inner).layer(layer)
        });
        let answer = get(server.address, "/users/7");
        assert!(answer.contains("200 OK") && !answer.contains("x-trace-id"), "{answer}");
        // One span, and one duration.
        server.assert_ended(Some(200), None);
        assert_eq!(hooks.load(Ordering::Relaxed), 0);
    }

    fn a_layer_inside_one_that_skips_the_request_counts(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let outer = layer.clone().skip(predicate::path_prefix("/users"));
            hello().layer(layer).layer(outer)
        });
        get(server.address, "/users/7");
        server.assert_ended(Some(200), None);
    }
}

in_every_mode! { TRACED:
    fn a_new_request_to_another_router_in_the_process_has_its_own_span(mode: Mode) {
        let server = Server::start_with(mode, recorder(), |layer| {
            let other = Router::new().route("/other", on_get(|| async { "other" })).layer(layer.clone());
            let call = || async move {
                let request = Request::get("/other").body(Body::empty()).unwrap();
                let response = other.oneshot(request).await.unwrap();
                axum::body::to_bytes(response.into_body(), 100).await.unwrap()
            };
            Router::new().route("/call", on_get(call)).layer(layer)
        });
        get(server.address, "/call");
        server.trace(2).assert_child_of("GET /other", "GET /call");
    }

    // A proxy hands on the request as it is, with its extensions.
    fn a_request_that_passes_a_client_inside_the_process_is_a_new_hop(mode: Mode) {
        let recorder = recorder();
        let propagator: CompositePropagator = "tracecontext,baggage".parse().unwrap();
        let client = ClientLayer::new()
            .tracer_provider(&recorder.tracer_provider())
            .propagator(propagator);
        let server = Server::start_with(mode, recorder, move |layer: ServerLayer| {
            let backend = Router::new().fallback(|| async { "backend" }).layer(layer.clone());
            let gateway = {
                let (client, layer) = (client.clone(), layer.clone());
                let backend = client.layer(backend);
                Router::new().fallback(move |request: Request| async move {
                    backend.oneshot(request).await.unwrap().map(Body::new)
                }).layer(layer)
            };
            let backend = client.layer(gateway);
            let forward = move |mut request: Request| async move {
                *request.uri_mut() = Uri::from_static("http://backend/b");
                backend.oneshot(request).await.unwrap().map(Body::new)
            };
            Router::new().route("/a", on_get(forward)).layer(layer)
        });
        get(server.address, "/a");
        let trace = server.trace(5);
        let kinds: Vec<_> = std::iter::successors(trace.roots().first().copied(), |span| {
            let children = trace.children(span);
            assert!(children.len() < 2, "{trace}");
            children.first().copied()
        }).map(|span| span.kind().clone()).collect();
        let (client, server) = (SpanKind::Client, SpanKind::Server);
        assert_eq!(kinds, [server.clone(), client.clone(), server.clone(), client, server], "{trace}");
    }
}
