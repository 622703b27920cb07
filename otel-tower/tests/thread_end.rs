//! Responses whose bodies are dropped while their thread ends, after its context is destroyed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "other tests use more of the meters")]

use std::any::Any;
use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::thread;

use axum::body::Body;
use axum::http::{Request, Response};
use futures_util::FutureExt as _;
use otel_core::context_loss;
use otel_testkit::Recorder;
use otel_tower::{ClientLayer, End, EndAt, ServerLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};

#[path = "support/meters.rs"]
mod meters;

thread_local! {
    static KEPT: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn a_body_that_is_dropped_while_its_thread_ends_does_not_end_the_process() {
    context_loss::start();
    let recorder = Recorder::new();
    let meters = meters::Meters::new();
    let ends = Arc::new(Mutex::new(Vec::new()));
    let [of_server, of_client] = [(); 2].map(|()| Arc::clone(&ends));
    let server = ServerLayer::new()
        .tracer_provider(&recorder.tracer_provider())
        .meter_provider(&meters.provider)
        .active_requests()
        .on_end(move |_, outcome, _| of_server.lock().unwrap().push(outcome.end()));
    let client = ClientLayer::new()
        .tracer_provider(&recorder.tracer_provider())
        .meter_provider(&meters.provider)
        .end_at(EndAt::Body)
        .on_end(move |_, outcome, _| of_client.lock().unwrap().push(outcome.end()));
    let answer = service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(Response::new(Body::from("never read")))
    });
    let (server, client) = (server.layer(answer), client.layer(answer));
    let subscriber = recorder.subscriber();
    let thread = thread::spawn(move || {
        // Created first, so it is destroyed last: after the context of the thread.
        KEPT.take();
        let _subscriber = tracing::subscriber::set_default(subscriber);
        let answer = server.oneshot(Request::new(Body::empty()));
        let answer = answer.now_or_never().unwrap().unwrap();
        let received = client.oneshot(Request::new(Body::empty()));
        let received = received.now_or_never().unwrap().unwrap();
        KEPT.set(vec![Box::new(answer), Box::new(received)]);
    });
    thread.join().unwrap();
    assert_eq!(*ends.lock().unwrap(), [End::Cancelled, End::Cancelled]);
    assert_eq!(recorder.spans().len(), 2);
    for side in ["server", "client"] {
        let points = meters.points(&format!("http.{side}.request.duration"));
        assert_eq!(points.len(), 1, "{side}");
    }
    assert!(meters.active().abs() < f64::EPSILON);
}
