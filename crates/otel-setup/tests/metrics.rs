//! Metrics of the global meter go out over OTLP beside the spans, each to its own path, under the same resource.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use opentelemetry::{KeyValue, global};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;

use self::support::environment::with_only;
use self::support::{Endpoint, Mood};

#[test]
fn what_the_global_meter_counts_arrives_when_the_guard_is_dropped() {
    let endpoint = Endpoint::start(Mood::Fine);
    let url = endpoint.url();
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=all"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
            "api-key=metrics,tenant=environment",
        ),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "3600000"),
    ];
    let telemetry = with_only(&variables, || {
        otel_setup::builder()
            .service_name("checkout")
            .resource(KeyValue::new("service.version", "3"))
            .otlp_header("tenant", "code")
            .otlp_header("zone", "code")
            .init()
            .unwrap()
    });
    let orders = global::meter("test").u64_counter("orders").build();
    orders.add(3, &[KeyValue::new("kind", "tea")]);
    tracing::info_span!("work").in_scope(|| ());
    assert_eq!(endpoint.requests().len(), 0);
    telemetry.shutdown();

    let requests = endpoint.wait_for(|requests| requests.len() == 2);
    let metrics = requests.iter().find(|it| it.path == "/v1/metrics").unwrap();
    let traces = requests.iter().find(|it| it.path == "/v1/traces").unwrap();
    assert_eq!(traces.span_names(), ["work"]);
    assert_eq!(traces.headers["api-key"], "all");
    assert_eq!(metrics.headers["api-key"], "metrics");
    assert_eq!(metrics.headers["tenant"], "environment");
    assert_eq!(metrics.headers["zone"], "code");
    assert_eq!(traces.headers["tenant"], "code");

    let request = ExportMetricsServiceRequest::decode(metrics.body.as_slice()).unwrap();
    let resource = request.resource_metrics[0].resource.as_ref().unwrap();
    let attribute = |key: &str| {
        let found = resource.attributes.iter().find(|it| it.key == key).unwrap();
        found.value.clone().unwrap().value.unwrap()
    };
    assert_eq!(
        attribute("service.name"),
        Value::StringValue("checkout".to_owned())
    );
    assert_eq!(
        attribute("service.version"),
        Value::StringValue("3".to_owned())
    );
    let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
    assert_eq!(metric.name, "orders");
    let data = format!("{:?}", metric.data);
    assert!(data.contains("aggregation_temporality: Delta"), "{data}");
    assert!(data.contains("AsInt(3)"), "{data}");
}
