//! HTTP/2.

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use opentelemetry::Value;
use otel_reqwest::EndAt;
use otel_testkit::Recorder;
use tokio::net::TcpListener;

use crate::{assert_ended, attempts, block_on_in_work, client_with, middleware, traceparent};

#[test]
fn version_and_context_are_right_over_http_2() {
    let recorder = Recorder::new();
    block_on_in_work(&recorder, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let echo = |headers: HeaderMap| async move {
            String::from_utf8(headers["traceparent"].as_bytes().to_vec()).unwrap()
        };
        tokio::spawn(axum::serve(listener, Router::new().route("/", get(echo))).into_future());
        let inner = reqwest::Client::builder().http2_prior_knowledge();
        let client = client_with(
            inner.build().unwrap(),
            middleware(&recorder).end_at(EndAt::Body),
        );
        let requests = (0..3).map(|_| async {
            let response = client
                .get(format!("http://{address}/"))
                .send()
                .await
                .unwrap();
            response.text().await.unwrap()
        });
        let echoed = futures_util::future::join_all(requests).await;
        let mut sent: Vec<_> = recorder.spans().iter().map(traceparent).collect();
        sent.sort();
        assert_eq!(
            sent,
            Vec::from_iter(std::collections::BTreeSet::from_iter(echoed))
        );
    });
    for span in attempts(&recorder.trace()) {
        assert_ended(span, Some(200), None);
        assert_eq!(
            span.attribute("network.protocol.version"),
            Some(&Value::from("2"))
        );
    }
}
