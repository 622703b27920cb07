//! The lines and records of otel-log have the ids and the fields of this layer's spans, however the layers are put together.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which fail by panicking"
)]

#[path = "support/lines.rs"]
mod lines;

use std::collections::BTreeMap;

use opentelemetry::logs::{AnyValue, LoggerProvider as _};
use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use otel_log::RecordLayer;
use serde_json::{Value, json};
use tracing::{Dispatch, Subscriber, dispatcher, field, info, info_span};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, registry};

use crate::lines::Lines;

type LineLayer = otel_log::Layer<Box<dyn Fn() -> Lines + Send + Sync>>;

/// What a line or a record holds, without its time and place. `span_id` is among the fields.
type Entry = BTreeMap<String, Value>;

struct Trial {
    provider: SdkTracerProvider,
    spans: InMemorySpanExporter,
    lines: Lines,
    logs: SdkLoggerProvider,
    records: InMemoryLogExporter,
}

impl Trial {
    fn new() -> Self {
        let spans = InMemorySpanExporter::default();
        let records = InMemoryLogExporter::default();
        Self {
            provider: SdkTracerProvider::builder()
                .with_simple_exporter(spans.clone())
                .build(),
            logs: SdkLoggerProvider::builder()
                .with_simple_exporter(records.clone())
                .build(),
            lines: Lines::default(),
            spans,
            records,
        }
    }

    fn line_layer(&self) -> LineLayer {
        let lines = self.lines.clone();
        otel_log::layer().writer(Box::new(move || lines.clone()))
    }

    fn record_layer(&self) -> RecordLayer<SdkLogger> {
        otel_log::record_layer(self.logs.logger("t"))
    }

    /// Returns the lines by their message.
    fn lines(&self) -> BTreeMap<String, Entry> {
        let text = self.lines.text();
        let lines = text.lines().map(|line| {
            let mut line: Entry = serde_json::from_str(line).unwrap();
            let message = line.remove("message").unwrap();
            line.retain(|key, _| ["span_id", "x", "y", "later"].contains(&key.as_str()));
            (message.as_str().unwrap().to_owned(), line)
        });
        lines.collect()
    }

    /// Returns the records by their body.
    fn records(&self) -> BTreeMap<String, Entry> {
        let records = self.records.get_emitted_logs().unwrap();
        let records = records.iter().map(|log| {
            let record = &log.record;
            let fields = record.attributes_iter();
            let fields = fields.map(|(key, value)| (key.to_string(), json_of(value)));
            let ids = record.trace_context();
            let span_id = ids.map(|it| ("span_id".to_owned(), json!(it.span_id.to_string())));
            let Some(AnyValue::String(body)) = record.body() else {
                panic!("{record:?}");
            };
            (body.to_string(), fields.chain(span_id).collect())
        });
        records.collect()
    }

    fn span(&self, name: &str) -> SpanData {
        let spans = self.spans.get_finished_spans().unwrap();
        spans.into_iter().find(|it| it.name == name).unwrap()
    }
}

fn json_of(value: &AnyValue) -> Value {
    match value {
        AnyValue::Int(value) => json!(value),
        AnyValue::String(value) => json!(value.as_str()),
        other => panic!("{other:?}"),
    }
}

fn log() {
    let outer = info_span!("outer", x = 1, later = field::Empty);
    info!(parent: &outer, "outer has not started");
    outer.record("later", "late");
    outer.in_scope(|| {
        info!("in outer");
        let inner = info_span!("inner", y = 2);
        info!(parent: &inner, "inner has not started");
        inner.in_scope(|| info!("in inner"));
        info!(parent: &inner, "inner has started");
    });
}

/// Runs the same program with subscribers that `make` makes, once with lines and once with records.
fn check(name: &str, make_all: [&dyn Fn(&Trial) -> Dispatch; 2]) {
    for (place, make) in make_all.into_iter().enumerate() {
        let trial = Trial::new();
        dispatcher::with_default(&make(&trial), log);
        let entries = if place == 0 {
            trial.lines()
        } else {
            trial.records()
        };
        let [outer, inner] =
            ["outer", "inner"].map(|name| trial.span(name).span_context.span_id().to_string());
        let expected = [
            ("outer has not started", json!({ "x": 1 })),
            (
                "in outer",
                json!({ "span_id": outer, "x": 1, "later": "late" }),
            ),
            ("inner has not started", json!({ "span_id": outer, "y": 2 })),
            ("in inner", json!({ "span_id": inner, "y": 2 })),
            ("inner has started", json!({ "span_id": inner, "y": 2 })),
        ];
        let found = expected.each_ref().map(|(message, _)| {
            let entry = entries.get(*message);
            (
                *message,
                json!(entry.unwrap_or_else(|| panic!("{entries:?}"))),
            )
        });
        assert_eq!(found, expected, "{name}, {}", ["lines", "records"][place]);
        let spans = trial.spans.get_finished_spans().unwrap();
        assert_eq!(spans.len(), 2, "{name}");
        assert_eq!(trial.span("outer").attributes.len(), 3, "{name}");
    }
}

/// Checks a subscriber with the layer of spans, here `$spans`, and a layer of lines or records, here `$log`.
macro_rules! check {
    ($name:literal, |$spans:ident, $log:ident| $subscriber:expr) => {
        check(
            $name,
            [
                &|trial| {
                    let ($spans, $log) = (otel_tracing::layer(&trial.provider), trial.line_layer());
                    Dispatch::new($subscriber)
                },
                &|trial| {
                    let ($spans, $log) =
                        (otel_tracing::layer(&trial.provider), trial.record_layer());
                    Dispatch::new($subscriber)
                },
            ],
        )
    };
}

#[test]
fn the_span_layer_is_first_and_keeps_the_fields() {
    check!("first", |spans, log| registry().with(spans).with(log));
}

#[test]
fn the_other_layer_is_first_and_keeps_the_fields() {
    check!("second", |spans, log| registry().with(log).with(spans));
}

#[test]
fn both_layers_are_optional() {
    check!("first", |spans, log| registry()
        .with(Some(spans))
        .with(Some(log)));
    check!("second", |spans, log| registry()
        .with(Some(log))
        .with(Some(spans)));
}

#[test]
fn each_layer_is_in_a_list() {
    check!("first", |spans, log| registry()
        .with(vec![spans])
        .with(vec![log]));
    check!("second", |spans, log| registry()
        .with(vec![log])
        .with(vec![spans]));
}

#[test]
fn both_layers_are_in_one_list() {
    check!("first", |spans, log| registry()
        .with(vec![spans.boxed(), log.boxed()]));
    check!("second", |spans, log| registry()
        .with(vec![log.boxed(), spans.boxed()]));
}

#[test]
fn each_layer_is_boxed() {
    check!("first", |spans, log| registry()
        .with(spans.boxed())
        .with(log.boxed()));
    check!("second", |spans, log| registry()
        .with(log.boxed())
        .with(spans.boxed()));
}

#[test]
fn the_subscriber_is_boxed() {
    type BoxedSubscriber = Box<dyn Subscriber + Send + Sync>;
    check!(
        "first",
        |spans, log| Box::new(registry().with(spans).with(log)) as BoxedSubscriber
    );
    check!(
        "second",
        |spans, log| Box::new(registry().with(log).with(spans)) as BoxedSubscriber
    );
}

#[test]
fn each_layer_has_a_filter() {
    check!("first", |spans, log| registry()
        .with(spans.with_filter(LevelFilter::INFO))
        .with(log.with_filter(LevelFilter::INFO)));
    check!("second", |spans, log| registry()
        .with(log.with_filter(LevelFilter::INFO))
        .with(spans.with_filter(LevelFilter::INFO)));
}

#[test]
fn one_layer_has_a_filter() {
    check!("log", |spans, log| registry()
        .with(spans)
        .with(log.with_filter(LevelFilter::INFO)));
    check!("spans", |spans, log| registry()
        .with(log)
        .with(spans.with_filter(LevelFilter::INFO)));
}

/// The first of three layers keeps the fields for all.
#[test]
fn lines_and_records_and_spans() {
    let trial = Trial::new();
    let subscriber = registry()
        .with(trial.record_layer())
        .with(otel_tracing::layer(&trial.provider))
        .with(trial.line_layer());
    dispatcher::with_default(&subscriber.into(), log);
    assert_eq!(trial.lines(), trial.records());
    let id = trial.span("inner").span_context.span_id().to_string();
    assert_eq!(trial.lines()["in inner"]["span_id"], id);
}
