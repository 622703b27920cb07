//! `span_layer` in a subscriber of the application's own.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "each test file uses a part")]
mod support {
    pub(crate) mod environment;
}

use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tracing::subscriber::with_default;
use tracing::{Subscriber, debug_span, info, info_span};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;

use self::support::environment::with_only;

/// Runs a span with an event in the subscriber, and returns the names of the exported spans and of their events.
fn exported<S>(subscriber: impl FnOnce(&SdkTracerProvider) -> S) -> [Vec<String>; 2]
where
    S: Subscriber + Send + Sync + 'static,
{
    let exporter = InMemorySpanExporter::default();
    let provider = with_only(&[], || {
        SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build()
    });
    with_default(subscriber(&provider), || {
        info_span!("order").in_scope(|| {
            debug_span!("detail").in_scope(|| info!("found"));
            info_span!("load").in_scope(|| ());
        });
    });
    let spans = exporter.get_finished_spans().unwrap();
    let events = spans.iter().flat_map(|span| span.events.iter());
    let events = events.map(|event| event.name.to_string()).collect();
    [spans.iter().map(|it| it.name.to_string()).collect(), events]
}

#[test]
fn on_the_subscriber_of_fmt() {
    let fmt = || tracing_subscriber::fmt().with_writer(std::io::sink);
    let expected = [vec!["load".to_owned(), "order".to_owned()], Vec::new()];
    let plain = exported(|provider| fmt().finish().with(otel_setup::span_layer(provider)));
    assert_eq!(plain, expected);
    let with_debug = exported(|provider| {
        let fmt = fmt().with_max_level(tracing::Level::DEBUG).finish();
        fmt.with(otel_setup::span_layer(provider))
    });
    assert_eq!(with_debug, expected);
    // A filter for the complete subscriber also applies to the span layer.
    let with_filter = exported(|provider| {
        let fmt = fmt().with_env_filter(EnvFilter::new("warn")).finish();
        fmt.with(otel_setup::span_layer(provider))
    });
    assert_eq!(with_filter, [Vec::<String>::new(), Vec::new()]);
}

#[test]
fn events_are_added_to_spans_by_option() {
    let [spans, events] = exported(|provider| {
        let layer = otel_setup::span_layer(provider).with_events(true);
        tracing_subscriber::registry().with(layer)
    });
    assert_eq!(spans, ["load", "order"]);
    assert_eq!(events, ["found"]);
}
