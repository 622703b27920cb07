//! Retries and redirects, by layers outside.

use std::future::{Ready, ready};

use axum::Router;
use axum::body::Bytes;
use axum::response::Redirect;
use axum::routing::get as on_get;
use http::{Request, StatusCode};
use http_body_util::Full;
use otel_testkit::Recorder;
use otel_tower::ResendCount;
use tower::retry::Policy;
use tower::{ServiceBuilder, ServiceExt as _};
use tower_http::follow_redirect::FollowRedirectLayer;

use crate::harness::{
    assert_ended, calls, client, get, in_work, layer, serve, serve_app, traceparent,
};

#[derive(Clone)]
pub(crate) struct Retries(pub(crate) usize);

impl<B, E> Policy<Request<Full<Bytes>>, http::Response<B>, E> for Retries {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Full<Bytes>>,
        result: &mut Result<http::Response<B>, E>,
    ) -> Option<Ready<()>> {
        let failed = result
            .as_ref()
            .is_ok_and(|it| it.status().is_server_error());
        self.0 = self.0.checked_sub(1).filter(|_| failed)?;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        Some(request.clone())
    }
}

pub(crate) fn counted(mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    request.extensions_mut().insert(ResendCount::default());
    request
}

#[test]
fn attempts_are_siblings_that_each_send_their_own_id_and_their_number() {
    let recorder = Recorder::new();
    let seen = in_work(&recorder, async {
        let (address, seen) = serve().await;
        let client = ServiceBuilder::new()
            .map_request(counted)
            .retry(Retries(2))
            .layer(layer(&recorder))
            .service(client());
        let response = client.oneshot(get(address, "/status/503")).await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        seen
    });
    let calls = calls(&recorder.trace());
    assert_eq!(calls.len(), 3);
    let sent: Vec<_> = calls.iter().map(|call| Some(traceparent(call))).collect();
    assert_eq!(seen.header("traceparent"), sent);
    for (call, resends) in calls.iter().zip([None, Some(1), Some(2)]) {
        assert_ended(call, Some(503), Some("503"));
        let count = call.attribute("http.request.resend_count");
        assert_eq!(count, resends.map(opentelemetry::Value::I64).as_ref());
    }
}

#[test]
fn each_hop_of_a_redirect_is_a_call_with_its_own_url() {
    let recorder = Recorder::new();
    in_work(&recorder, async {
        let app = Router::new()
            .route("/old", on_get(|| async { Redirect::temporary("/new") }))
            .route("/new", on_get(|| async { "hello" }));
        let address = serve_app(app).await;
        let client = ServiceBuilder::new()
            .map_request(counted)
            .layer(FollowRedirectLayer::new())
            .layer(layer(&recorder))
            .service(client());
        client.oneshot(get(address, "/old")).await.unwrap();
    });
    let calls = calls(&recorder.trace());
    for (call, (path, status)) in calls.iter().zip([("/old", 307), ("/new", 200)]) {
        let url = call.attribute("url.full").unwrap().to_string();
        assert!(url.ends_with(path), "{url}");
        assert_ended(call, Some(status), None);
    }
    let count = calls[1].attribute("http.request.resend_count");
    assert_eq!(count, Some(&1.into()));
    assert_eq!(calls.len(), 2);
}
