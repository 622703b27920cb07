//! What a set-up consists of, before anything is installed.

use std::fmt;

#[cfg(feature = "logs")]
use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_log::BoxedWriter;
use otel_tracing::SpanLayer;
use tracing::Subscriber;
use tracing_subscriber::registry::LookupSpan;

use crate::lines::LineFilter;
use crate::propagator::Propagator;
use crate::telemetry::Telemetry;
use crate::warning::Warnings;

/// Everything that [`init`](crate::init) would install, for a program that has a subscriber of its own.
///
/// Made by [`Builder::build`](crate::Builder::build), which installs nothing. `S` is the subscriber that the span layer is added to;
/// the compiler finds it.
///
/// ```no_run
/// use tracing_subscriber::prelude::*;
///
/// # fn main() -> Result<(), otel_setup::SetupError> {
/// let set_up = otel_setup::builder().service_name("checkout").build()?;
/// tracing_subscriber::fmt().json().finish().with(set_up.span_layer).init();
/// let _telemetry = set_up.telemetry.install_globals();
/// # Ok(())
/// # }
/// ```
#[non_exhaustive]
pub struct SetUp<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    /// The tracer provider. `None` if the SDK is disabled.
    pub tracer_provider: Option<SdkTracerProvider>,
    /// The meter provider. `None` if the SDK is disabled or no metrics are exported.
    pub meter_provider: Option<SdkMeterProvider>,
    /// The logger provider. `None` if the SDK is disabled or log records go nowhere. Needs the feature `logs`.
    #[cfg(feature = "logs")]
    pub logger_provider: Option<SdkLoggerProvider>,
    /// The propagator.
    pub propagator: Propagator,
    /// The layer that makes spans, with its filter. `None` if the SDK is disabled.
    pub span_layer: Option<SpanLayer<S>>,
    /// The layer that writes lines, without a filter.
    pub log_layer: otel_log::Layer<BoxedWriter>,
    /// The layer that makes log records, without a filter. `None` if they go nowhere. Needs the feature `logs`.
    #[cfg(feature = "logs")]
    pub record_layer: Option<otel_log::RecordLayer<SdkLogger>>,
    /// The filter of lines and log records: `RUST_LOG`, or the program's.
    pub log_filter: LineFilter,
    /// What could not be done as the variables or the program say.
    pub warnings: Warnings,
    /// The guard. Call [`Telemetry::install_globals`] on it, and keep it until the end of `main`.
    pub telemetry: Telemetry,
}

impl<S> fmt::Debug for SetUp<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetUp")
            .field("propagator", &self.propagator)
            .field("log_filter", &self.log_filter)
            .field("warnings", &self.warnings)
            .field("telemetry", &self.telemetry)
            .finish_non_exhaustive()
    }
}
