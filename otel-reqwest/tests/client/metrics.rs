//! The client's metrics.

use std::collections::BTreeMap;

use futures_util::stream;
use opentelemetry::Value;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use otel_reqwest::{ClientMiddleware, EndAt, UrlTemplate};
use otel_testkit::Recorder;
use otel_tower::MetricAttributes;
use reqwest::Body;

use crate::server::{Server, empty};
use crate::{block_on, client_with, middleware};

/// A provider whose points can be read.
pub(crate) struct Meters {
    pub(crate) provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

/// Attributes as text, with the count and the sum of a histogram, or with 0 and the value of a sum.
pub(crate) type Points = Vec<(BTreeMap<String, String>, u64, f64)>;

impl Meters {
    pub(crate) fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(exporter.clone()).build();
        let provider = SdkMeterProvider::builder().with_reader(reader).build();
        Self { provider, exporter }
    }

    pub(crate) fn points(&self, name: &str) -> Points {
        self.exporter.reset();
        self.provider.force_flush().unwrap();
        let mut points = Points::new();
        let finished = self.exporter.get_finished_metrics().unwrap();
        let scopes = finished.iter().flat_map(|it| it.scope_metrics());
        for metric in scopes
            .flat_map(|it| it.metrics())
            .filter(|it| it.name() == name)
        {
            match metric.data() {
                AggregatedMetrics::F64(MetricData::Histogram(data)) => {
                    assert_eq!(metric.unit(), "s");
                    points.extend(
                        data.data_points()
                            .map(|point| (texts(point.attributes()), point.count(), point.sum())),
                    );
                }
                AggregatedMetrics::U64(MetricData::Histogram(data)) => {
                    assert_eq!(metric.unit(), "By");
                    points.extend(data.data_points().map(|point| {
                        (texts(point.attributes()), point.count(), point.sum() as f64)
                    }));
                }
                AggregatedMetrics::I64(MetricData::Sum(data)) => {
                    points.extend(
                        data.data_points()
                            .map(|point| (texts(point.attributes()), 0, point.value() as f64)),
                    );
                }
                other => panic!("{other:?}"),
            }
        }
        points
    }
}

fn texts<'a>(
    attributes: impl Iterator<Item = &'a opentelemetry::KeyValue>,
) -> BTreeMap<String, String> {
    attributes
        .map(|it| (it.key.to_string(), it.value.to_string()))
        .collect()
}

fn measured(meters: &Meters) -> ClientMiddleware {
    middleware(&Recorder::new()).meter_provider(&meters.provider)
}

fn expected(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn each_attempt_is_measured_with_the_attributes_of_the_conventions() {
    let meters = Meters::new();
    let server = Server::answering_in_turn([empty("200 OK"), empty("404 Not Found")]);
    let port = server.address.port().to_string();
    let client = client_with(reqwest::Client::new(), measured(&meters));
    block_on(async {
        let request = client.get(server.url("/users/42?token=hunter2"));
        request
            .with_extension(UrlTemplate::new("/users/{id}"))
            .send()
            .await
            .unwrap();
        let labels = MetricAttributes::default();
        labels.add("tenant", "blue");
        client
            .get(server.url("/"))
            .with_extension(labels)
            .send()
            .await
            .unwrap();
        client
            .get("http://nowhere.invalid:80/")
            .send()
            .await
            .unwrap_err();
    });
    let points = meters.points("http.client.request.duration");
    let find = |key: &str, value: &str| {
        let found: Vec<_> = points
            .iter()
            .filter(|(it, ..)| it.get(key).is_some_and(|it| it == value))
            .collect();
        assert_eq!(found.len(), 1, "{points:?}");
        assert_eq!(found[0].1, 1, "{points:?}");
        assert!((0.0..60.0).contains(&found[0].2), "in seconds: {points:?}");
        found[0].0.clone()
    };
    let answered = [
        ("http.request.method", "GET"),
        ("network.protocol.version", "1.1"),
        ("server.address", "127.0.0.1"),
        ("server.port", &port),
    ];
    let first = [
        &answered[..],
        &[
            ("http.response.status_code", "200"),
            ("url.template", "/users/{id}"),
        ],
    ]
    .concat();
    assert_eq!(find("http.response.status_code", "200"), expected(&first));
    let second = [
        &answered[..],
        &[
            ("http.response.status_code", "404"),
            ("error.type", "404"),
            ("tenant", "blue"),
        ],
    ]
    .concat();
    assert_eq!(find("http.response.status_code", "404"), expected(&second));
    assert_eq!(
        find("error.type", "dns"),
        expected(&[
            ("error.type", "dns"),
            ("http.request.method", "GET"),
            ("server.address", "nowhere.invalid"),
            ("server.port", "80"),
        ])
    );
    for name in [
        "http.client.active_requests",
        "http.client.request.body.size",
        "http.client.response.body.size",
    ] {
        assert!(meters.points(name).is_empty(), "{name}");
    }
}

#[test]
fn active_requests_go_up_and_down_also_where_the_caller_gives_up() {
    let meters = Meters::new();
    let server = Server::silent();
    let client = client_with(reqwest::Client::new(), measured(&meters).active_requests());
    let active = || meters.points("http.client.active_requests");
    block_on(async {
        let request = client.get(server.url("/")).send();
        let while_open = async {
            crate::endings::asked(&server).await;
            active()
        };
        tokio::select! {
            biased;
            _ = request => panic!("the server is silent"),
            points = while_open => assert_eq!((points.len(), points[0].2), (1, 1.0)),
        }
    });
    let points = active();
    assert_eq!(points[0].2, 0.0);
    let port = server.address.port().to_string();
    let attributes = [
        ("http.request.method", "GET"),
        ("server.address", "127.0.0.1"),
        ("server.port", &port),
    ];
    assert_eq!(points[0].0, expected(&attributes));
}

#[test]
fn bodies_are_measured_as_promised_or_as_read() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\n1234567";
    let whole = || Body::from("four");
    let streamed = || Body::wrap_stream(stream::iter(["ab", "cdef"].map(Ok::<_, std::io::Error>)));
    type MakeBody = fn() -> Body;
    let table: [(&str, MakeBody, EndAt, f64, f64); 3] = [
        ("promised", whole, EndAt::Headers, 4.0, 7.0),
        ("read", whole, EndAt::Body, 4.0, 7.0),
        ("a stream", streamed, EndAt::Body, 6.0, 7.0),
    ];
    for (name, body, end_at, sent, received) in table {
        let meters = Meters::new();
        let server = Server::answering(answer);
        let recorder = Recorder::new();
        let middleware = middleware(&recorder).meter_provider(&meters.provider);
        let middleware = middleware.body_sizes().end_at(end_at);
        let client = client_with(reqwest::Client::new(), middleware);
        block_on(async {
            let request = client.post(server.url("/")).body(body());
            let response = request.send().await.unwrap();
            assert_eq!(response.bytes().await.unwrap(), "1234567");
        });
        let size = |metric| {
            let points = meters.points(metric);
            assert_eq!(points.len(), 1, "{name}: {metric}");
            (points[0].1, points[0].2)
        };
        let trace = recorder.trace();
        let attribute = |key| match trace.spans()[0].attribute(key) {
            Some(Value::I64(size)) => *size as f64,
            other => panic!("{name}: {key} is {other:?}"),
        };
        assert_eq!(attribute("http.request.body.size"), sent, "{name}");
        assert_eq!(attribute("http.response.body.size"), received, "{name}");
        assert_eq!(size("http.client.request.body.size"), (1, sent), "{name}");
        assert_eq!(
            size("http.client.response.body.size"),
            (1, received),
            "{name}"
        );
    }
}
