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
//!
//! [`SpanLayer`] describes which spans are made, what their fields become, and every option. `otel_setup::init` installs this layer.
//!
//! # Unsampled traces
//!
//! If the sampler of the provider drops every span whose local parent is not sampled, as `Sampler::ParentBased` does, set
//! [`with_parent_based_sampler`](SpanLayer::with_parent_based_sampler). Spans inside an unsampled trace then carry the context of
//! their parent, and no SDK span is made.
//!
//! # SERVER spans
//!
//! `otel_tower::ServerLayer` opens its SERVER span through the OpenTelemetry API and hands it over: the layer keeps its context in
//! the `tracing` span of the request and makes no second span. Events and fields of that `tracing` span do not change the attributes
//! or the status of the SERVER span.
//!
//! # tracing-opentelemetry
//!
//! `OpenTelemetrySpanExt` and `get_otel_context` of tracing-opentelemetry 0.34 work on the spans of this layer. A span on which they
//! are not called costs no more. [`supports_span_ext`] tests them, because they rely on internals of tracing-opentelemetry. The
//! guide `docs/from-tracing-opentelemetry.md` lists the differences between the two layers.
//!
//! # In a subscriber
//!
//! - The layer has its own filter, which does not affect other layers. A filter in [`Layer::with_filter`] applies in addition.
//! - The layer works inside `Option`, `Vec` and `reload::Layer`. `reload::Layer` hides it from `OpenTelemetrySpanExt`.
//! - Write `layer.and_then(other)`, not `other.and_then(layer)`: tracing-subscriber would apply the filter to both.
//! - Install one span layer. Of two of these layers, the first makes all spans.
//!
//! [`Layer::with_filter`]: tracing_subscriber::Layer::with_filter

mod attributes;
mod callsite;
mod callsite_filtered;
mod drop_in;
mod event;
mod filter;
mod filter_error;
mod guards;
mod layer;
mod options;
mod recorder;
mod self_test;
mod spans;
mod start;
mod tracers;

pub use self::callsite_filtered::CallsiteFiltered;
pub use self::filter::SpanFilter;
pub use self::filter_error::SpanFilterError;
pub use self::layer::SpanLayer;
#[doc(hidden)]
pub use self::recorder::Recorder;
pub use self::self_test::supports_span_ext;
pub use otel_core::redact::Secrets;

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
