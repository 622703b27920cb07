//! What calls are measured as.

use axum::body::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use opentelemetry::Value;
use otel_testkit::Recorder;
use otel_tower::MetricAttributes;
use otel_tower::{RequestSpan, ServerLayer};
use tower::{Layer as _, ServiceExt as _, service_fn};

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
        let labels = MetricAttributes::default();
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

#[test]
fn metrics_describe_themselves_word_for_word_as_the_conventions_do() {
    let meters = Meters::new();
    let recorder = Recorder::new();
    let client_layer = layer(&recorder)
        .meter_provider(&meters.provider)
        .active_requests()
        .body_sizes();
    let server = ServerLayer::new()
        .without_tracing_span()
        .tracer_provider(&recorder.tracer_provider())
        .meter_provider(&meters.provider)
        .active_requests()
        .body_sizes();
    block_on(async {
        let (address, _) = serve().await;
        let proxy = server.layer(client_layer.layer(client()));
        let mut request = get(address, "/");
        let length = http::HeaderValue::from_static("0");
        request.headers_mut().insert("content-length", length);
        let answer = proxy.oneshot(request).await.unwrap();
        answer.into_body().collect().await.unwrap();
    });
    meters.wait_for("http.server.request.duration", 1);
    // model/http/metrics.yaml of the conventions
    let expected = [
        (
            "http.client.active_requests",
            "{request}",
            "Number of active HTTP requests.",
        ),
        (
            "http.client.request.body.size",
            "By",
            "Size of HTTP client request bodies.",
        ),
        (
            "http.client.request.duration",
            "s",
            "Duration of HTTP client requests.",
        ),
        (
            "http.client.response.body.size",
            "By",
            "Size of HTTP client response bodies.",
        ),
        (
            "http.server.active_requests",
            "{request}",
            "Number of active HTTP server requests.",
        ),
        (
            "http.server.request.body.size",
            "By",
            "Size of HTTP server request bodies.",
        ),
        (
            "http.server.request.duration",
            "s",
            "Duration of HTTP server requests.",
        ),
        (
            "http.server.response.body.size",
            "By",
            "Size of HTTP server response bodies.",
        ),
    ];
    let found = meters.descriptions();
    let found: Vec<_> = found
        .iter()
        .map(|(name, (unit, text))| (name.as_str(), unit.as_str(), text.as_str()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_proxy_s_labels_are_those_of_the_side_they_were_given_to() {
    let meters = Meters::new();
    let recorder = Recorder::new();
    let (client_layer, client) = (layer(&recorder).meter_provider(&meters.provider), client());
    let server = ServerLayer::new()
        .without_tracing_span()
        .tracer_provider(&recorder.tracer_provider())
        .meter_provider(&meters.provider);
    block_on(async {
        let (address, _) = serve().await;
        let client = client_layer.layer(client);
        let proxy = server.layer(service_fn(move |request: Request<Full<Bytes>>| {
            RequestSpan::current().add_metric_attribute("tenant", "blue");
            client.clone().oneshot(request)
        }));
        let answer = proxy.oneshot(get(address, "/")).await.unwrap();
        answer.into_body().collect().await.unwrap();
    });
    let tenant = |metric| {
        meters.wait_for(metric, 1)[0]
            .attributes
            .get("tenant")
            .cloned()
    };
    let of_server = tenant("http.server.request.duration");
    assert_eq!(of_server, Some("blue".into()));
    assert_eq!(tenant("http.client.request.duration"), None);
}
