//! The `tracing` subscriber of the process: spans to OpenTelemetry and lines to the log, each with a filter of its own.

#[cfg(feature = "logs")]
use opentelemetry_sdk::logs::SdkLogger;
use otel_log::BoxedWriter;
use tracing::{Dispatch, Subscriber, callsite};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry};

use crate::build::SetUp;
use crate::error::SetupError;
use crate::lines::LineFilter;
use crate::span_layer::SpanSettings;
use crate::telemetry::Telemetry;

/// A layer that the program adds.
pub(crate) type ExtraLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Which parts of a set-up the subscriber gets.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) spans: SpanSettings,
    pub(crate) uses_tracing_opentelemetry: bool,
    pub(crate) has_lines: bool,
}

/// Installs the layers of a set-up around a subscriber. Returns the guard.
pub(crate) fn install<S>(base: S, set_up: SetUp<S>, parts: &Parts) -> Result<Telemetry, SetupError>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let lines = Lines {
        layer: parts.has_lines.then_some(set_up.log_layer),
        #[cfg(feature = "logs")]
        records: set_up.record_layer,
        filter: set_up.log_filter,
    };
    let supports_span_ext = otel_tracing::supports_span_ext();
    let installed = match (&set_up.tracer_provider, set_up.span_layer) {
        (Some(provider), Some(_)) if parts.uses_tracing_opentelemetry || !supports_span_ext => {
            let spans = parts.spans.tracing_opentelemetry_layer(provider);
            set_global(base.with(spans).with(lines.layer()).into())
        }
        (_, Some(spans)) => set_global(base.with(spans).with(lines.layer()).into()),
        (_, None) => set_global(base.with(lines.layer()).into()),
    };
    if installed.is_err() {
        // The error is about something else, and nothing is installed. The guard would print what is left.
        drop(set_up.warnings.take());
    }
    installed?;
    if !supports_span_ext && !parts.uses_tracing_opentelemetry {
        tracing::warn!(
            name: "span_ext_unsupported",
            target: "otel_setup",
            { event.name = "span_ext_unsupported" },
            "OpenTelemetrySpanExt does not work on otel-tracing's spans with this release of tracing-opentelemetry; \
             spans are made by tracing-opentelemetry's layer, which costs more; report the release of tracing-opentelemetry"
        );
    }
    Ok(set_up.telemetry)
}

/// The layers that write lines and make log records, and their filter.
struct Lines {
    layer: Option<otel_log::Layer<BoxedWriter>>,
    #[cfg(feature = "logs")]
    records: Option<otel_log::RecordLayer<SdkLogger>>,
    filter: LineFilter,
}

impl Lines {
    /// Puts both layers under one filter, so that there is a record if there is a line.
    fn layer<S>(self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        #[cfg(feature = "logs")]
        if let Some(records) = self.records {
            return match self.layer {
                Some(lines) => self.filter.apply(lines.and_then(records)),
                None => self.filter.apply(records),
            };
        }
        match self.layer {
            Some(lines) => self.filter.apply(lines),
            None => Box::new(None::<otel_log::Layer>),
        }
    }
}

fn set_global(dispatch: Dispatch) -> Result<(), SetupError> {
    let ours = dispatch.downgrade();
    // It also fails after the subscriber is installed, if the `log` crate has a logger. A subscriber that was installed is kept for
    // good, and one that was not installed is gone.
    if dispatch.try_init().is_ok() || ours.upgrade().is_some() {
        return Ok(());
    }
    // The subscriber of the process decides again which callsites are on.
    callsite::rebuild_interest_cache();
    Err(SetupError::already_set_up())
}
