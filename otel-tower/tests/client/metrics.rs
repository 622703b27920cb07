//! What calls are measured as.

use opentelemetry::Value;
use otel_core::http::MetricLabels;
use otel_testkit::Recorder;
use tower::{Layer as _, ServiceExt as _};

use crate::harness::{block_on, client, get, layer, serve};
use crate::meters::Meters;

#[test]
fn a_call_is_measured_with_the_attributes_of_the_conventions() {
    let meters = Meters::new();
    let layer = layer(&Recorder::new())
        .meter_provider(&meters.provider)
        .active_requests()
        .body_sizes();
    let address = block_on(async {
        let (address, _) = serve().await;
        let mut request = get(address, "/status/404?token=hunter2");
        let labels = MetricLabels::default();
        labels.add("tenant", "blue");
        request.extensions_mut().insert(labels);
        layer.layer(client()).oneshot(request).await.unwrap();
        address
    });
    let points = meters.wait_for("http.client.request.duration", 1);
    let attributes = &points[0].attributes;
    let expected: [(&str, Value); 7] = [
        ("http.request.method", "GET".into()),
        ("http.response.status_code", 404.into()),
        ("error.type", "404".into()),
        ("network.protocol.version", "1.1".into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", i64::from(address.port()).into()),
        ("tenant", "blue".into()),
    ];
    for (key, value) in &expected {
        assert_eq!(attributes.get(*key), Some(value), "{points:?}");
    }
    assert_eq!(
        (points.len(), attributes.len()),
        (1, expected.len()),
        "{points:?}"
    );
    let active = meters.points("http.client.active_requests");
    assert_eq!(active[0].sum, 0.0, "{active:?}");
    let size = meters.points("http.client.response.body.size");
    assert_eq!(size[0].sum, 5.0, "{size:?}");
}
