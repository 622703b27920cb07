//! What a request may allocate over the bare router: a promise that is kept, or the test says so.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use allocation_counter::measure;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use otel_core::propagation::CompositePropagator;
use otel_tower::{Predicate, ServerLayer};
use tower::ServiceExt as _;

const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

fn router() -> Router {
    Router::new().route("/users/{id}", get(|| async { "Ada" }))
}

/// Allocations of one request, from the router to the end of the body, after others like it.
fn allocations(router: &Router, traceparent: &str) -> u64 {
    let request = || {
        Request::get("/users/42?lang=en")
            .header("host", "shop.example:8080")
            .header("user-agent", "test/1")
            .header("traceparent", traceparent)
            .body(Body::empty())
            .unwrap()
    };
    let answer = |request: Request<Body>| {
        let answered = async {
            let Ok(response) = router.clone().oneshot(request).await;
            response.into_body().collect().await
        };
        drop(answered.now_or_never().unwrap().unwrap());
    };
    answer(request());
    let request = request();
    measure(|| answer(request)).count_total
}

#[test]
fn a_request_allocates_no_more_than_promised() {
    let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
    let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
    let layer = || ServerLayer::new().propagator(CompositePropagator::default());
    let traced = layer().tracer_provider(&provider).without_tracing_span();
    let bare = allocations(&router().with_state(()), SAMPLED);
    for (name, layer, traceparent, most) in [
        ("sampled", traced.clone(), SAMPLED, 11),
        ("unsampled", traced.clone(), UNSAMPLED, 8),
        ("skipped", traced.skip(Predicate::new(|_| true)), SAMPLED, 5),
        ("without an SDK", layer(), SAMPLED, 6),
    ] {
        let router = router().layer(layer).with_state(());
        let over = allocations(&router, traceparent) - bare;
        assert!(
            over <= most,
            "{name}: {over} allocations, promised are {most}"
        );
    }
}
