//! A `tracing_subscriber` layer that makes OpenTelemetry spans of `tracing` spans, at little more than the price of a span.
//!
//! # Example
//!
//! ```
//! use opentelemetry_sdk::trace::SdkTracerProvider;
//! use tracing_subscriber::prelude::*;
//!
//! let provider = SdkTracerProvider::builder().build(); // and an exporter
//! let subscriber = tracing_subscriber::registry()
//!     .with(otel_tracing::layer(&provider))
//!     .with(tracing_subscriber::fmt::layer());
//! # tracing::subscriber::with_default(subscriber, || {
//! tracing::info_span!("work", items = 3).in_scope(|| tracing::info!("done"));
//! # });
//! ```

mod attributes;
mod callsite;
mod callsite_filtered;
mod drop_in;
mod event;
mod filter;
mod guards;
mod layer;
mod options;
mod recorder;
mod self_test;
mod spans;
mod start;
mod tracers;

pub use self::callsite_filtered::CallsiteFiltered;
#[doc(hidden)]
pub use self::filter::SpanFilter;
pub use self::layer::SpanLayer;
#[doc(hidden)]
pub use self::recorder::Recorder;
pub use self::self_test::supports_span_ext;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_core::Subscriber;
use tracing_subscriber::registry::LookupSpan;

/// Creates a layer that makes OpenTelemetry spans with this provider.
///
/// It takes a provider and not a tracer, because a tracer has one scope, and spans of different crates have different scopes.
#[must_use]
pub fn layer<S>(provider: &SdkTracerProvider) -> SpanLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    SpanLayer::from_provider(provider.clone())
}
