//! Two layers around one client.

use axum::Router;
use axum::response::Redirect;
use axum::routing::get as on_get;
use http::HeaderValue;
use otel_testkit::Recorder;
use otel_tower::predicate;
use otel_tower::trust::{HostPolicy, OutgoingPolicy};
use tower::{ServiceBuilder, ServiceExt as _};
use tower_http::follow_redirect::FollowRedirectLayer;

use crate::harness::{
    calls, client, get, in_work, layer, only_call, serve, serve_app, traceparent,
};
use crate::resends::{Retries, counted};

#[test]
fn a_client_that_is_wrapped_twice_makes_one_span_and_sends_its_id() {
    let recorder = Recorder::new();
    let seen = in_work(&recorder, async {
        let (address, seen) = serve().await;
        let inner = layer(&recorder).user_agent(HeaderValue::from_static("shop/1"));
        let client = ServiceBuilder::new()
            .layer(layer(&recorder))
            .layer(inner)
            .service(client());
        client.oneshot(get(address, "/")).await.unwrap();
        seen
    });
    let call = only_call(&recorder);
    assert_eq!(seen.header("traceparent"), [Some(traceparent(&call))]);
    assert_eq!(seen.header("user-agent"), [Some("shop/1".to_owned())]);
}

#[test]
fn a_host_that_one_of_two_layers_excludes_receives_nothing() {
    let none = || OutgoingPolicy::default().trace(HostPolicy::none());
    for (outer, inner) in [
        (OutgoingPolicy::default(), none()),
        (none(), OutgoingPolicy::default()),
    ] {
        let recorder = Recorder::new();
        let seen = in_work(&recorder, async {
            let (address, seen) = serve().await;
            let client = ServiceBuilder::new()
                .layer(layer(&recorder).outgoing(outer))
                .layer(layer(&recorder).outgoing(inner))
                .service(client());
            client.oneshot(get(address, "/")).await.unwrap();
            seen
        });
        assert_eq!(seen.header("traceparent"), [None]);
    }
}

#[test]
fn a_layer_inside_one_that_skips_the_request_traces_it() {
    let recorder = Recorder::new();
    let seen = in_work(&recorder, async {
        let (address, seen) = serve().await;
        let client = ServiceBuilder::new()
            .layer(layer(&recorder).skip(predicate::path("/")))
            .layer(layer(&recorder))
            .service(client());
        client.oneshot(get(address, "/")).await.unwrap();
        seen
    });
    let call = only_call(&recorder);
    assert_eq!(seen.header("traceparent"), [Some(traceparent(&call))]);
}

#[test]
fn a_retry_between_two_layers_is_one_span() {
    let recorder = Recorder::new();
    let seen = in_work(&recorder, async {
        let (address, seen) = serve().await;
        let client = ServiceBuilder::new()
            .map_request(counted)
            .layer(layer(&recorder))
            .retry(Retries(2))
            .layer(layer(&recorder))
            .service(client());
        client.oneshot(get(address, "/status/503")).await.unwrap();
        seen
    });
    let sent = Some(traceparent(&only_call(&recorder)));
    assert_eq!(
        seen.header("traceparent"),
        [sent.clone(), sent.clone(), sent]
    );
}

#[test]
fn a_retry_outside_two_layers_is_one_span_for_each_attempt() {
    let recorder = Recorder::new();
    let seen = in_work(&recorder, async {
        let (address, seen) = serve().await;
        let client = ServiceBuilder::new()
            .map_request(counted)
            .retry(Retries(2))
            .layer(layer(&recorder))
            .layer(layer(&recorder))
            .service(client());
        client.oneshot(get(address, "/status/503")).await.unwrap();
        seen
    });
    let calls = calls(&recorder.trace());
    let sent: Vec<_> = calls.iter().map(|call| Some(traceparent(call))).collect();
    assert_eq!(seen.header("traceparent"), sent);
    for (call, resends) in calls.iter().zip([None, Some(1), Some(2)]) {
        let count = call.attribute("http.request.resend_count");
        assert_eq!(count, resends.map(opentelemetry::Value::I64).as_ref());
    }
    assert_eq!(calls.len(), 3);
}

#[test]
fn redirects_between_two_layers_are_one_span() {
    let recorder = Recorder::new();
    in_work(&recorder, async {
        let app = Router::new()
            .route("/old", on_get(|| async { Redirect::temporary("/new") }))
            .route("/new", on_get(|| async { "hello" }));
        let address = serve_app(app).await;
        let client = ServiceBuilder::new()
            .layer(layer(&recorder))
            .layer(FollowRedirectLayer::new())
            .layer(layer(&recorder))
            .service(client());
        client.oneshot(get(address, "/old")).await.unwrap();
    });
    only_call(&recorder);
}
