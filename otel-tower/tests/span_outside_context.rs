//! A span for carried work that was made before the context was active is reported. One test, because losses are counted per process.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::convert::Infallible;
use std::env;
use std::thread;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::routing::get;
use otel_core::context_loss::{self, LossKind};
use otel_core::propagation::CompositePropagator;
use otel_core::task::{Carried, in_context};
use otel_testkit::{Recorder, assert_no_context_loss};
use otel_tower::{ClientLayer, ServerLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tracing::{Instrument as _, info_span};

/// A job with a call, which waits in between.
async fn ship(client: ClientLayer) {
    tokio::task::yield_now().await;
    let answer =
        service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty())));
    let request = Request::get("http://post/").body(Body::empty()).unwrap();
    client.layer(answer).oneshot(request).await.unwrap();
}

/// What is right is not reported.
async fn right(carried: Carried, client: &ClientLayer, server: ServerLayer) {
    let ship = || ship(client.clone());
    // The span is made in the context.
    let in_span = carried.clone().in_span(|| info_span!("ship"), ship());
    in_span.await;
    let inside = ship();
    let inside = async { inside.instrument(info_span!("ship")).await };
    carried.clone().in_context(inside).await;
    let span = carried.run(|| info_span!("ship"));
    carried.clone().in_context(ship().instrument(span)).await;
    // The span is made in the caller, whose context is then carried.
    let span = info_span!("handler");
    let spawned = span.in_scope(|| in_context(ship().instrument(info_span!("ship"))));
    tokio::spawn(spawned).await.unwrap();
    // The work starts a trace on purpose.
    let inside = ship();
    let root = async { inside.instrument(info_span!(parent: None, "root")).await };
    carried.clone().in_context(root).await;
    // The work is a server, whose requests have other traces.
    let handler = client.clone();
    let handler = move || self::ship(handler.clone()).instrument(info_span!("handler"));
    let app = Router::new().route("/", get(handler)).layer(server);
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = Request::get("/").header("traceparent", traceparent);
    let served = app.oneshot(request.body(Body::empty()).unwrap());
    let span = carried.run(|| info_span!("server"));
    let response = carried.in_context(served.instrument(span)).await;
    assert!(response.unwrap().status().is_success());
}

#[test]
fn a_span_that_was_made_before_the_context_was_active_is_reported() {
    context_loss::start();
    let recorder = Recorder::builder().expect_context_loss().build();
    let _subscriber = tracing::subscriber::set_default(recorder.subscriber());
    let propagator: CompositePropagator = "tracecontext".parse().unwrap();
    let client = ClientLayer::new()
        .tracer_provider(&recorder.tracer_provider())
        .propagator(propagator.clone());
    let server = ServerLayer::new()
        .tracer_provider(&recorder.tracer_provider())
        .propagator(propagator);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let carried = info_span!("request").in_scope(Carried::current);
    runtime.block_on(async {
        right(carried.clone(), &client, server).await;
        assert_no_context_loss();

        let broken = ship(client).instrument(info_span!("ship"));
        carried.in_context(broken).await;
    });
    let losses = context_loss::losses();
    assert_eq!(losses.len(), 1, "{losses:?}");
    assert_eq!(losses[0].kind(), LossKind::SpanOutsideContext);
    assert_eq!(losses[0].count(), 1);
    assert_eq!(losses[0].thread(), thread::current().name().unwrap());
    let is_ours = env::var("OTEL_TESTKIT_SPAN_LAYER").is_err();
    // tracing-opentelemetry's layer reports nothing, so the call in the span is what is seen.
    let place = if is_ours {
        ("ship", "otel_tracing")
    } else {
        ("GET", "otel_tower")
    };
    assert_eq!((losses[0].span(), losses[0].instrumentation()), place);
    assert!(
        losses[0]
            .to_string()
            .contains("context-loss.md#span_outside_context")
    );
}
