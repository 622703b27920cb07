//! A provider that keeps the spans, and a subscriber with the layer.

use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData};
use otel_tracing::SpanLayer;
use tracing::dispatcher;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt as _;

/// Runs `work` with the layer as `change` sets it up, and returns the spans in the order in which they ended.
pub(crate) fn spans_with(
    change: impl FnOnce(SpanLayer<Registry>) -> SpanLayer<Registry>,
    work: impl FnOnce(),
) -> Vec<SpanData> {
    let (provider, exporter) = provider(Sampler::AlwaysOn);
    let layer = change(otel_tracing::layer(&provider));
    dispatcher::with_default(&Registry::default().with(layer).into(), work);
    exporter.get_finished_spans().unwrap()
}

/// Runs `work` with the layer as it is by default.
pub(crate) fn spans(work: impl FnOnce()) -> Vec<SpanData> {
    spans_with(|layer| layer, work)
}

/// Runs `work`, which makes one span.
pub(crate) fn span(work: impl FnOnce()) -> SpanData {
    let mut spans = spans(work);
    assert_eq!(spans.len(), 1, "{spans:?}");
    spans.remove(0)
}

pub(crate) fn provider(sampler: Sampler) -> (SdkTracerProvider, InMemorySpanExporter) {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_sampler(sampler)
        .with_simple_exporter(exporter.clone())
        .build();
    (provider, exporter)
}

pub(crate) fn get(attributes: &[KeyValue], key: &str) -> Option<Value> {
    let mut found = attributes.iter().filter(|it| it.key.as_str() == key);
    let value = found.next().map(|it| it.value.clone());
    assert!(found.next().is_none(), "{key} twice in {attributes:?}");
    value
}

pub(crate) fn named<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
    let found = spans.iter().find(|span| span.name == name);
    found.unwrap_or_else(|| panic!("no span {name} in {spans:?}"))
}
