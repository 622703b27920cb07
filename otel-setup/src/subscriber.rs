//! The `tracing` subscriber: spans to OpenTelemetry, lines to the log, each with its own filter.

use std::env;

#[cfg(feature = "logs")]
use opentelemetry_sdk::logs::SdkLogger;
use opentelemetry_sdk::trace::SdkTracer;
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Metadata, Subscriber, callsite, dispatcher};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry};

use crate::error::SetupError;

/// The SDK logs each failed export; [`exporter`](crate::exporter) says it once instead.
const DEFAULT_FILTER: &str =
    "info,opentelemetry=off,opentelemetry_sdk=off,opentelemetry_otlp=off,opentelemetry-otlp=off";

/// Installs it for the whole process. Without a tracer there are log lines only, and log records where there is a logger.
pub(crate) fn install(
    tracer: Option<SdkTracer>,
    span_events: bool,
    #[cfg(feature = "logs")] logger: Option<SdkLogger>,
) -> Result<(), SetupError> {
    let lines = otel_log::layer().expect_ids(tracer.is_some());
    // Under one filter, so that there is a record where there is a line.
    #[cfg(feature = "logs")]
    let lines = lines.and_then(logger.map(otel_log::record_layer));
    let lines = lines.with_filter(line_filter()?);
    // Spans only, by default: an event costs the OpenTelemetry layer more than its log line costs, and the line has the
    // ids. What the SDK itself has to say belongs to no span.
    let is_taken = move |metadata: &Metadata<'_>| {
        metadata.is_span() || (span_events && !metadata.target().starts_with("opentelemetry"))
    };
    let spans = tracer.map(|tracer| {
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(LevelFilter::INFO.and(filter_fn(is_taken)))
    });
    set_global(Registry::default().with(spans).with(lines))
}

fn set_global<S: Subscriber + Send + Sync>(subscriber: S) -> Result<(), SetupError> {
    let is_ours = || dispatcher::get_default(Dispatch::is::<S>);
    // With the feature `tracing-log` of tracing-subscriber it also fails after it has succeeded: where the log crate has a
    // logger already, which is no obstacle.
    if subscriber.try_init().is_ok() || is_ours() {
        return Ok(());
    }
    // The one that is there alone decides again which callsites are on.
    callsite::rebuild_interest_cache();
    Err(SetupError::already_set_up())
}

/// `RUST_LOG` says which lines are written. It never reaches the spans: a quiet log must not cut a trace in two.
fn line_filter() -> Result<EnvFilter, SetupError> {
    let directives = match env::var(EnvFilter::DEFAULT_ENV) {
        Ok(directives) if !directives.trim().is_empty() => directives,
        _ => DEFAULT_FILTER.to_owned(),
    };
    EnvFilter::try_new(&directives).map_err(|_| {
        SetupError::variable(
            EnvFilter::DEFAULT_ENV,
            directives,
            "use directives such as info or warn,my_crate=debug",
        )
    })
}
