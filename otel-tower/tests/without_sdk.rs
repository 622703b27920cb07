//! A process with propagators and nothing else: what came in goes on as it came.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response};
use axum::routing::get;
use opentelemetry::{Context, global};
use otel_core::propagation::CompositePropagator;
use otel_core::propagator::PropagatorChoice;
use otel_tower::{ServerLayer, TraceHeader};
use tower::ServiceExt as _;

const HEADERS: [(&str, &str); 3] = [
    (
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ),
    ("tracestate", "vendor=1,tenant@system=2"),
    ("baggage", "user=ada"),
];

/// What the handler, and a task that it starts, would send on.
async fn sent() -> HeaderMap {
    let now = || {
        let mut headers = HeaderMap::new();
        PropagatorChoice::default().inject(&Context::current(), &mut headers);
        headers
    };
    let spawned = otel_core::task::in_context(async move { now() });
    let spawned = tokio::spawn(spawned).await.unwrap();
    assert_eq!(now(), spawned);
    spawned
}

fn ask(layer: ServerLayer, headers: &[(&str, &str)]) -> Response<Body> {
    let router: Router = Router::new().route("/", get(sent)).layer(layer);
    let mut request = Request::get("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let answered = router.oneshot(request.body(Body::empty()).unwrap());
    runtime.block_on(answered).unwrap()
}

#[test]
fn the_context_passes_through_unchanged() {
    global::set_text_map_propagator(CompositePropagator::default());
    for layer in [
        ServerLayer::new(),
        ServerLayer::new().without_tracing_span(),
        ServerLayer::new().skip(otel_tower::Predicate::new(|_| true)),
    ] {
        let response = ask(layer, &HEADERS);
        for (name, value) in HEADERS {
            assert_eq!(response.headers()[name], value, "{name}");
        }
    }
    // Where nothing came in, nothing is made up.
    let response = ask(
        ServerLayer::new().response_header(TraceHeader::TraceId),
        &[],
    );
    for name in ["traceparent", "tracestate", "baggage", "x-trace-id"] {
        assert!(!response.headers().contains_key(name), "{name}");
    }
}
