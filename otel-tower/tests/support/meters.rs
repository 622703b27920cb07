//! Metrics that can be read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

/// How long a test waits for a condition.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A provider whose points can be read.
#[derive(Clone)]
pub(crate) struct Meters {
    pub(crate) provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

/// One time series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    pub(crate) attributes: BTreeMap<String, Value>,
    /// Of a histogram; 1 for a gauge.
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) bounds: Vec<f64>,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(exporter.clone()).build();
        let provider = SdkMeterProvider::builder().with_reader(reader).build();
        Self { provider, exporter }
    }

    /// The points of this metric as they are now.
    pub(crate) fn points(&self, name: &str) -> Vec<Point> {
        self.exporter.reset();
        self.provider.force_flush().unwrap();
        let finished = self.exporter.get_finished_metrics().unwrap();
        let scopes = finished.iter().flat_map(|it| it.scope_metrics());
        let metrics = scopes.flat_map(|it| it.metrics());
        metrics
            .filter(|it| it.name() == name)
            .flat_map(|it| points(it.data()))
            .collect()
    }

    /// The unit and the description of each metric.
    #[allow(dead_code, reason = "not every test program asks for them")]
    pub(crate) fn descriptions(&self) -> BTreeMap<String, (String, String)> {
        self.exporter.reset();
        self.provider.force_flush().unwrap();
        let finished = self.exporter.get_finished_metrics().unwrap();
        let scopes = finished.iter().flat_map(|it| it.scope_metrics());
        let metrics = scopes.flat_map(|it| it.metrics());
        let described = |it: &Metric| (it.unit().to_owned(), it.description().to_owned());
        metrics
            .map(|it| (it.name().to_owned(), described(it)))
            .collect()
    }

    /// Waits until so many requests have been recorded in this histogram, and none is active.
    #[track_caller]
    pub(crate) fn wait_for(&self, name: &str, requests: u64) -> Vec<Point> {
        let started = Instant::now();
        loop {
            let durations = self.points(name);
            let active = self.active();
            let count: u64 = durations.iter().map(|it| it.count).sum();
            if count >= requests && active == 0.0 {
                assert_eq!(count, requests, "{durations:?}");
                return durations;
            }
            assert!(
                started.elapsed() < LIMIT,
                "{count} of {requests} requests recorded, {active} active: {durations:?}"
            );
            std::thread::yield_now();
        }
    }

    /// How many requests are being answered.
    pub(crate) fn active(&self) -> f64 {
        let points = self.points("http.server.active_requests");
        points.iter().map(|it| it.sum).sum()
    }
}

fn points(data: &AggregatedMetrics) -> Vec<Point> {
    match data {
        AggregatedMetrics::F64(MetricData::Histogram(data)) => data
            .data_points()
            .map(|it| Point {
                attributes: map(it.attributes()),
                count: it.count(),
                sum: it.sum(),
                bounds: it.bounds().collect(),
            })
            .collect(),
        AggregatedMetrics::U64(MetricData::Histogram(data)) => data
            .data_points()
            .map(|it| Point {
                attributes: map(it.attributes()),
                count: it.count(),
                sum: it.sum() as f64,
                bounds: Vec::new(),
            })
            .collect(),
        AggregatedMetrics::I64(MetricData::Sum(data)) => data
            .data_points()
            .map(|it| Point {
                attributes: map(it.attributes()),
                count: 1,
                sum: it.value() as f64,
                bounds: Vec::new(),
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn map<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> BTreeMap<String, Value> {
    attributes
        .map(|it| (it.key.to_string(), it.value.clone()))
        .collect()
}
