//! A call from a task that was spawned without its context is seen. One test: what is counted is the process's.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::panic::catch_unwind;
use std::thread;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use opentelemetry::global;
use otel_core::context_loss::{self, LossKind};
use otel_core::task::in_context;
use otel_testkit::{Recorder, assert_no_context_loss};
use otel_tower::ServerLayer;
use tokio::net::TcpListener;

/// Calls the service behind from a task of its own, and says on which thread.
async fn call(url: String) -> String {
    let client = otel_reqwest::wrap(reqwest::Client::new());
    let sent = client.get(url).send();
    let (thread, response) = (thread::current().name().unwrap().to_owned(), sent.await);
    response.unwrap();
    thread
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_parent_is_seen_while_a_request_is_served() {
    let recorder = Recorder::builder().expect_context_loss().build();
    global::set_tracer_provider(recorder.tracer_provider());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let behind = format!("{base}/quote");
    let handler = move |Path(way): Path<String>| async move {
        let called = match way.as_str() {
            "kept" => tokio::spawn(in_context(call(behind))),
            _ => tokio::spawn(call(behind)),
        };
        called.await.unwrap()
    };
    let app = Router::new()
        .route("/call/{way}", get(handler))
        .route("/quote", get(|| async { "3" }))
        .layer(ServerLayer::new());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let ask = async |way: &str| {
        let response = reqwest::get(format!("{base}/call/{way}")).await.unwrap();
        response.text().await.unwrap()
    };

    assert!(catch_unwind(assert_no_context_loss).is_err(), "it is off");
    context_loss::start();
    ask("kept").await;
    // Nothing is served, so nothing is lost.
    call(format!("{base}/quote")).await;
    assert_no_context_loss();

    let thread = ask("lost").await;
    let losses = context_loss::losses();
    assert_eq!(losses.len(), 1, "{losses:?}");
    assert_eq!(losses[0].kind(), LossKind::CallWithoutParent);
    let place = (
        losses[0].span(),
        losses[0].instrumentation(),
        losses[0].thread(),
    );
    assert_eq!(place, ("GET", "otel_reqwest", thread.as_str()));
    assert_eq!(losses[0].count(), 1);

    let failure = catch_unwind(assert_no_context_loss).unwrap_err();
    let failure = failure.downcast_ref::<String>().unwrap();
    for part in ["at 1 places", "GET, otel_reqwest", "context-loss.md#call"] {
        assert!(failure.contains(part), "{failure}");
    }
}
