//! Secrets in the attributes of the application's own instruments are not exported.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::collections::BTreeMap;

use opentelemetry::metrics::{AsyncInstrument, Meter};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value, global};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as OtlpValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue as OtlpKeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint};
use otel_core::redact::Secrets;
use otel_setup::Builder;
use prost::Message as _;

#[cfg(feature = "grpc")]
use self::support::LIMIT;
use self::support::child::in_own_process;
use self::support::{Endpoint, Mood};

const SECRET: &str = "S3cr-t-0f-Ada";

fn secret_attributes() -> [KeyValue; 6] {
    let hosts = ["amqp://ada:S3cr-t-0f-Ada@mq/", "amqp://mq2/"].map(StringValue::from);
    [
        KeyValue::new("team", "shop"),
        KeyValue::new("api_key", SECRET),
        KeyValue::new("db.url", format!("postgres://ada:{SECRET}@db/shop")),
        KeyValue::new("callback", format!("https://{SECRET}@shop.example/")),
        KeyValue::new("hosts", Value::Array(Array::String(hosts.into()))),
        KeyValue::new("user.pin", 1234),
    ]
}

fn expected_attributes() -> String {
    "api_key=REDACTED callback=https://REDACTED@shop.example/ db.url=postgres://REDACTED:REDACTED@db/shop \
     hosts=[amqp://REDACTED:REDACTED@mq/,amqp://mq2/] team=shop user.pin=REDACTED"
        .to_owned()
}

/// Records 3 with each kind of instrument.
fn record_all(meter: &Meter) {
    let secrets = &secret_attributes();
    meter.u64_counter("counter.u64").build().add(3, secrets);
    meter.f64_counter("counter.f64").build().add(3.0, secrets);
    let up_down = meter.i64_up_down_counter("up_down.i64").build();
    up_down.add(3, secrets);
    let up_down = meter.f64_up_down_counter("up_down.f64").build();
    up_down.add(3.0, secrets);
    meter.u64_gauge("gauge.u64").build().record(3, secrets);
    meter.i64_gauge("gauge.i64").build().record(3, secrets);
    meter.f64_gauge("gauge.f64").build().record(3.0, secrets);
    let histogram = meter.u64_histogram("histogram.u64").build();
    histogram.record(3, secrets);
    let histogram = meter.f64_histogram("histogram.f64").build();
    histogram.record(3.0, secrets);

    fn observe<T>(value: T) -> impl Fn(&dyn AsyncInstrument<T>) + Send + Sync
    where
        T: Copy + Send + Sync + 'static,
    {
        move |observer| observer.observe(value, &secret_attributes())
    }
    let _ = meter
        .u64_observable_counter("observable_counter.u64")
        .with_callback(observe(3))
        .build();
    let _ = meter
        .f64_observable_counter("observable_counter.f64")
        .with_callback(observe(3.0))
        .build();
    let _ = meter
        .i64_observable_up_down_counter("observable_up_down.i64")
        .with_callback(observe(3))
        .build();
    let _ = meter
        .f64_observable_up_down_counter("observable_up_down.f64")
        .with_callback(observe(3.0))
        .build();
    let _ = meter
        .u64_observable_gauge("observable_gauge.u64")
        .with_callback(observe(3))
        .build();
    let _ = meter
        .i64_observable_gauge("observable_gauge.i64")
        .with_callback(observe(3))
        .build();
    let _ = meter
        .f64_observable_gauge("observable_gauge.f64")
        .with_callback(observe(3.0))
        .build();
}

/// Runs `record` in a process with these metrics only, and returns what was exported at the shutdown.
fn exported(
    choose: impl FnOnce(Builder) -> Builder,
    record: impl FnOnce(),
) -> ExportMetricsServiceRequest {
    let endpoint = Endpoint::start(Mood::Fine);
    let builder = otel_setup::builder()
        .service_name("checkout")
        .otlp_endpoint(endpoint.url());
    let telemetry = choose(builder).init().unwrap();
    record();
    telemetry.shutdown();
    let requests = endpoint.requests();
    let mut metrics = requests.iter().filter(|it| it.path == "/v1/metrics");
    let request = metrics.next().unwrap();
    assert!(metrics.next().is_none());
    ExportMetricsServiceRequest::decode(request.body.as_slice()).unwrap()
}

fn metrics(request: ExportMetricsServiceRequest) -> BTreeMap<String, Metric> {
    let resources = request.resource_metrics.into_iter();
    let scopes = resources.flat_map(|it| it.scope_metrics);
    let metrics = scopes.flat_map(|it| it.metrics);
    metrics.map(|it| (it.name.clone(), it)).collect()
}

fn value_text(value: &AnyValue) -> String {
    match value.value.as_ref().unwrap() {
        OtlpValue::StringValue(text) => text.clone(),
        OtlpValue::IntValue(number) => number.to_string(),
        OtlpValue::ArrayValue(values) => {
            let texts: Vec<_> = values.values.iter().map(value_text).collect();
            format!("[{}]", texts.join(","))
        }
        other => format!("{other:?}"),
    }
}

/// `key=value` of each attribute, sorted.
fn text(attributes: &[OtlpKeyValue]) -> String {
    let texts = attributes.iter().map(|it| {
        let value = it.value.as_ref().unwrap();
        format!("{}={}", it.key, value_text(value))
    });
    let mut texts: Vec<_> = texts.collect();
    texts.sort();
    texts.join(" ")
}

/// What a metric is, and the value and attributes of its data points.
fn points(metric: &Metric) -> (&'static str, Vec<(f64, String)>) {
    fn numbers(points: &[NumberDataPoint]) -> Vec<(f64, String)> {
        let points = points.iter().map(|it| {
            let value = match it.value.unwrap() {
                Number::AsDouble(number) => number,
                #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                Number::AsInt(number) => number as f64,
            };
            (value, text(&it.attributes))
        });
        points.collect()
    }
    match metric.data.as_ref().unwrap() {
        Data::Sum(sum) if sum.is_monotonic => ("counter", numbers(&sum.data_points)),
        Data::Sum(sum) => ("up_down", numbers(&sum.data_points)),
        Data::Gauge(gauge) => ("gauge", numbers(&gauge.data_points)),
        Data::Histogram(histogram) => {
            let points = histogram.data_points.iter();
            let points = points.map(|it| (it.sum.unwrap(), text(&it.attributes)));
            ("histogram", points.collect())
        }
        other => panic!("{other:?}"),
    }
}

fn assert_redacted(request: ExportMetricsServiceRequest) {
    let all = format!("{request:?}");
    assert!(!all.contains(SECRET) && !all.contains("1234"), "{all}");
    let metrics = metrics(request);
    assert_eq!(metrics.len(), 16, "{:?}", metrics.keys());
    for (name, metric) in metrics {
        let (kind, points) = points(&metric);
        let expected = name.trim_start_matches("observable_").split('.').next();
        assert_eq!(Some(kind), expected, "{name}");
        assert_eq!(points, [(3.0, expected_attributes())], "{name}");
    }
}

#[test]
fn secrets_are_hidden_in_metrics_of_every_kind_of_instrument() {
    let name = "secrets_are_hidden_in_metrics_of_every_kind_of_instrument";
    in_own_process(name, &[], || {
        let request = exported(|it| it, || record_all(&global::meter("shop")));
        assert_redacted(request);
    });
}

#[test]
fn harmless_metrics_are_exported_as_they_were_recorded() {
    let name = "harmless_metrics_are_exported_as_they_were_recorded";
    in_own_process(name, &[], || {
        let scope = InstrumentationScope::builder("shop")
            .with_version("1.2")
            .with_schema_url("https://shop.example/schema")
            .build();
        let request = exported(
            |it| it,
            || {
                let meter = global::meter_with_scope(scope);
                let histogram = meter
                    .f64_histogram("basket.value")
                    .with_unit("EUR")
                    .with_description("Value of baskets.")
                    .with_boundaries(vec![1.0, 10.0, 100.0])
                    .build();
                histogram.record(7.0, &[KeyValue::new("prompt_tokens", 5)]);
                histogram.record(50.0, &[KeyValue::new("prompt_tokens", 5)]);
                let counter = meter
                    .u64_counter("orders")
                    .with_unit("{order}")
                    .with_description("Number of orders.")
                    .build();
                counter.add(1, &[]);
                counter.add(2, &[KeyValue::new("url", "https://shop.example/?page=2")]);
                counter.add(4, &[KeyValue::new("mail", "ada@shop.example")]);
                let _ = meter
                    .i64_observable_gauge("queue")
                    .with_unit("{job}")
                    .with_description("Jobs.")
                    .with_callback(|it| it.observe(1, &[KeyValue::new("queue", "slow")]))
                    .with_callback(|it| it.observe(2, &[KeyValue::new("queue", "fast")]))
                    .build();
            },
        );
        let scope = request.resource_metrics[0].scope_metrics[0].clone();
        assert_eq!(scope.schema_url, "https://shop.example/schema");
        let scope = scope.scope.unwrap();
        assert_eq!((scope.name, scope.version), ("shop".into(), "1.2".into()));
        let metrics = metrics(request);

        let basket = &metrics["basket.value"];
        let description = (basket.description.as_str(), basket.unit.as_str());
        assert_eq!(description, ("Value of baskets.", "EUR"));
        let Some(Data::Histogram(histogram)) = &basket.data else {
            panic!("{basket:?}");
        };
        let point = &histogram.data_points[0];
        assert_eq!(point.explicit_bounds, [1.0, 10.0, 100.0]);
        assert_eq!(point.bucket_counts, [0, 1, 1, 0]);
        assert_eq!(text(&point.attributes), "prompt_tokens=5");

        let orders = &metrics["orders"];
        let description = (orders.description.as_str(), orders.unit.as_str());
        assert_eq!(description, ("Number of orders.", "{order}"));
        let mut found = points(orders).1;
        found.sort_by(|one, other| one.1.cmp(&other.1));
        let expected = [
            (1.0, String::new()),
            (4.0, "mail=ada@shop.example".to_owned()),
            (2.0, "url=https://shop.example/?page=2".to_owned()),
        ];
        assert_eq!(found, expected);

        let queue = &metrics["queue"];
        let description = (queue.description.as_str(), queue.unit.as_str());
        assert_eq!(description, ("Jobs.", "{job}"));
        let mut found = points(queue).1;
        found.sort_by(|one, other| one.0.total_cmp(&other.0));
        let expected = [(1.0, "queue=slow".to_owned()), (2.0, "queue=fast".into())];
        assert_eq!(found, expected);
    });
}

#[test]
fn secrets_are_hidden_in_attributes_of_the_meter() {
    let name = "secrets_are_hidden_in_attributes_of_the_meter";
    in_own_process(name, &[], || {
        let scope = InstrumentationScope::builder("shop")
            .with_version("1.2")
            .with_schema_url("https://shop.example/schema")
            .with_attributes(secret_attributes())
            .build();
        let request = exported(
            |it| it,
            || {
                let meter = global::meter_with_scope(scope);
                meter.u64_counter("orders").build().add(1, &[]);
            },
        );
        let scope = request.resource_metrics[0].scope_metrics[0].clone();
        assert_eq!(scope.schema_url, "https://shop.example/schema");
        let scope = scope.scope.unwrap();
        assert_eq!((scope.name, scope.version), ("shop".into(), "1.2".into()));
        assert_eq!(text(&scope.attributes), expected_attributes());
    });
}

#[test]
fn values_that_differ_only_in_secrets_are_one_time_series() {
    let name = "values_that_differ_only_in_secrets_are_one_time_series";
    in_own_process(name, &[], || {
        let request = exported(
            |it| it,
            || {
                let counter = global::meter("shop").u64_counter("sign_ins").build();
                counter.add(1, &[KeyValue::new("session_token", "a")]);
                counter.add(2, &[KeyValue::new("session_token", "b")]);
            },
        );
        let found = points(&metrics(request)["sign_ins"]).1;
        assert_eq!(found, [(3.0, "session_token=REDACTED".to_owned())]);
    });
}

#[test]
fn the_list_of_the_builder_applies_to_metrics() {
    let name = "the_list_of_the_builder_applies_to_metrics";
    in_own_process(name, &[], || {
        let list = Secrets::default().also(["iban"]);
        let list = list.dangerously_except(["api_key"]);
        let request = exported(
            |it| it.secrets(list),
            || {
                let counter = global::meter("shop").u64_counter("payments").build();
                let attributes = ["api_key", "iban", "password"];
                counter.add(1, &attributes.map(|key| KeyValue::new(key, "x")));
            },
        );
        let found = points(&metrics(request)["payments"]).1;
        let expected = "api_key=x iban=REDACTED password=REDACTED";
        assert_eq!(found, [(1.0, expected.to_owned())]);
    });
}

#[test]
fn layers_and_clients_hide_secrets_with_their_own_list() {
    let name = "layers_and_clients_hide_secrets_with_their_own_list";
    in_own_process(name, &[], || {
        let request = exported(
            |it| it,
            || {
                for ours in ["otel_reqwest", "otel_tower"] {
                    let counter = global::meter(ours).u64_counter(ours).build();
                    counter.add(1, &[KeyValue::new("api_key", "x")]);
                }
            },
        );
        let metrics = metrics(request);
        for ours in ["otel_reqwest", "otel_tower"] {
            assert_eq!(points(&metrics[ours]).1, [(1.0, "api_key=x".to_owned())]);
        }
    });
}

#[cfg(feature = "bound-instruments")]
#[test]
fn secrets_are_hidden_in_bound_instruments() {
    let name = "secrets_are_hidden_in_bound_instruments";
    in_own_process(name, &[], || {
        let request = exported(
            |it| it,
            || {
                let (meter, secrets) = (global::meter("shop"), &secret_attributes());
                let counter = meter.u64_counter("counter").build();
                counter.bind(secrets).add(3);
                let up_down = meter.i64_up_down_counter("up_down").build();
                up_down.bind(secrets).add(3);
                meter.f64_gauge("gauge").build().bind(secrets).record(3.0);
                let histogram = meter.f64_histogram("histogram").build();
                histogram.bind(secrets).record(3.0);
            },
        );
        let metrics = metrics(request);
        assert_eq!(metrics.len(), 4);
        for (name, metric) in metrics {
            let expected = (name.as_str(), vec![(3.0, expected_attributes())]);
            assert_eq!(points(&metric), expected);
        }
    });
}

#[cfg(feature = "grpc")]
#[test]
fn secrets_are_hidden_in_metrics_over_grpc() {
    use std::sync::mpsc;
    use std::thread;

    use axum::Router;
    use axum::body::Bytes;
    use axum::http::header::CONTENT_TYPE;
    use tokio::net::TcpListener;
    use tokio::runtime::Runtime;

    let name = "secrets_are_hidden_in_metrics_over_grpc";
    in_own_process(name, &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], || {
        let (sender, requests) = mpsc::channel();
        let app = Router::new().fallback(async move |body: Bytes| {
            sender.send(body).unwrap();
            // An empty message.
            let headers = [
                (CONTENT_TYPE.as_str(), "application/grpc"),
                ("grpc-status", "0"),
            ];
            (headers, [0; 5])
        });
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || runtime.block_on(axum::serve(listener, app).into_future()));

        let telemetry = otel_setup::builder()
            .service_name("checkout")
            .otlp_endpoint(format!("http://{address}"))
            .init()
            .unwrap();
        record_all(&global::meter("shop"));
        telemetry.shutdown();
        let request = requests.recv_timeout(LIMIT).unwrap();
        // The message begins after its length.
        assert_redacted(ExportMetricsServiceRequest::decode(&request[5..]).unwrap());
    });
}
