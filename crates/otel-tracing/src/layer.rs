//! The layer and its options.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_core::callsites::Callsites;
use otel_core::span_access::SpanAccess;
use tracing_core::{LevelFilter, Metadata, Subscriber};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::registry::LookupSpan;

use crate::drop_in::DropIn;
use crate::filter::{EventFilter, SpanFilter};
use crate::options::Options;
use crate::recorder::Recorder;
use crate::spans::Spans;

/// Makes OpenTelemetry spans of `tracing` spans. Created by [`layer`](crate::layer).
///
/// # Which spans
///
/// Spans of INFO and above, of all targets. [`with_level`](Self::with_level) and [`with_target`](Self::with_target) change this.
/// The filter belongs to this layer only. Other layers see what they saw before.
///
/// # Parents
///
/// The parent is the active OpenTelemetry context, or the explicit parent (`info_span!(parent: …)`) if there is one. A span is
/// active while it is entered: spans of the OpenTelemetry API, spans of other instrumentations and outgoing calls are its
/// children.
///
/// # Fields
///
/// | field | on the span |
/// | --- | --- |
/// | `otel.name`, `otel.kind` | name and kind |
/// | `otel.status_code` (`ok`, `error`), `otel.status_description` | status |
/// | an error (`&dyn std::error::Error`) | its text, its sources as `<name>.chain`, and `exception.message` |
/// | any other field | an attribute with its type |
///
/// An integer that does not fit into 64 bits, NaN and the infinities become text. Bytes become hex digits. A field that is recorded
/// later is set when it is recorded.
pub struct SpanLayer<S> {
    pub(crate) filtered: Filtered<Recorder<S>, SpanFilter, S>,
    /// `false` if the subscriber has no filters for single layers. Then the layer decides by itself.
    pub(crate) is_filtered: bool,
    pub(crate) enabled: Callsites<bool>,
    pub(crate) access: SpanAccess,
    pub(crate) drop_in: DropIn<S>,
    provider: SdkTracerProvider,
    options: Options,
}

impl<S> SpanLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    pub(crate) fn new(provider: SdkTracerProvider) -> Self {
        let options = Options::new();
        let filter = SpanFilter::new(event_filter(&options));
        Self::from_parts(provider, options, filter)
    }

    fn from_parts(provider: SdkTracerProvider, options: Options, filter: SpanFilter) -> Self {
        let spans = Arc::new(Spans::new(provider.clone(), options.clone()));
        Self {
            filtered: Recorder(Arc::clone(&spans)).with_filter(filter),
            is_filtered: has_filters::<S>(),
            enabled: Callsites::new(),
            access: SpanAccess::new(Arc::<Spans<S>>::clone(&spans)),
            drop_in: DropIn::new(spans),
            provider,
            options,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        let mut filter = self.filtered.filter().clone();
        filter.events = event_filter(&self.options);
        Self::from_parts(self.provider, self.options, filter)
    }

    /// Sets the lowest level of spans. Default: INFO.
    ///
    /// Below INFO, spans of the targets `h2`, `hyper`, `tonic` and `tower` stay off, because one request has dozens of them.
    /// [`with_target`](Self::with_target) enables them.
    #[must_use]
    pub fn with_level(self, level: impl Into<LevelFilter>) -> Self {
        let filter = self.filtered.filter().clone().with_level(level.into());
        Self::from_parts(self.provider, self.options, filter)
    }

    /// Sets the lowest level of spans whose target begins with this text. A longer target wins. Further calls add targets.
    #[must_use]
    pub fn with_target(self, target: impl Into<String>, level: impl Into<LevelFilter>) -> Self {
        let filter = self.filtered.filter().clone();
        let filter = filter.with_target(target.into(), level.into());
        Self::from_parts(self.provider, self.options, filter)
    }

    /// Sets whether the provider's sampler drops every span whose local parent is not sampled. Default: `false`.
    ///
    /// `Sampler::ParentBased` does. With `true`, a span of an unsampled trace only carries the context of its parent, which costs
    /// a third. Do not set it with a sampler that decides for each span: its decision would not be asked for.
    #[must_use]
    pub fn with_parent_based_sampler(self, is_parent_based: bool) -> Self {
        self.with(|options| options.has_parent_based_sampler = is_parent_based)
    }

    /// Sets the scope of spans that are not made by a crate of this project. Default: `otel_tracing` and its version.
    #[must_use]
    pub fn with_scope(self, scope: InstrumentationScope) -> Self {
        self.with(|options| options.scope = scope)
    }

    /// Sets whether a span has `code.function.name`: the module path and the name of the span. Default: `true`.
    ///
    /// For spans of `#[instrument]` this is the function. For spans of `info_span!` it is the module and the name of the span.
    #[must_use]
    pub fn with_function_names(self, enabled: bool) -> Self {
        self.with(|options| options.function_names = enabled)
    }

    /// Limits the bytes of a text. Default: 16 KiB. A longer text is cut between two characters and marked with `…[cut]`.
    #[must_use]
    pub fn with_value_limit(self, bytes: usize) -> Self {
        self.with(|options| options.value_limit = bytes)
    }

    /// Sets whether events are added to their spans. Default: `false`, because a log line has the event and the ids.
    ///
    /// The filter of the layer decides which events. The name is the message. Level and target are attributes.
    #[must_use]
    pub fn with_events(self, enabled: bool) -> Self {
        self.with(|options| options.events = enabled)
    }

    /// Sets whether an ERROR event sets the status of its span. Default: `true`.
    ///
    /// The status of a SERVER span is decided by the server layer only.
    #[must_use]
    pub fn with_error_events(self, enabled: bool) -> Self {
        self.with(|options| options.error_events = enabled)
    }

    /// Sets whether errors become `exception.message`, and whether an event that has no message and a field `error` sets the
    /// status of its span, as the events of `#[instrument(err)]` do. Default: `true`.
    #[must_use]
    pub fn with_error_fields(self, enabled: bool) -> Self {
        self.with(|options| options.error_fields = enabled)
    }

    /// Sets whether `follows_from` adds a link. Default: `true`.
    #[must_use]
    pub fn with_links(self, enabled: bool) -> Self {
        self.with(|options| options.links = enabled)
    }

    /// Sets whether a span ends when it is last left instead of when its last handle is dropped. Default: `false`.
    #[must_use]
    pub fn with_end_at_exit(self, enabled: bool) -> Self {
        self.with(|options| options.ends_at_exit = enabled)
    }

    pub(crate) fn recorder(&self) -> &Recorder<S> {
        self.filtered.inner()
    }

    pub(crate) fn spans(&self) -> &Spans<S> {
        &self.recorder().0
    }

    /// Returns `true` if the layer sees the callsite. Only asked if the subscriber does not filter for this layer.
    pub(crate) fn is_enabled(&self, metadata: &'static Metadata<'static>) -> bool {
        let decide = || self.filtered.filter().is_enabled(metadata);
        *self.enabled.get(metadata, decide)
    }
}

fn event_filter(options: &Options) -> EventFilter {
    EventFilter {
        all: options.events,
        errors: options.error_events,
        error_fields: options.error_fields,
    }
}

/// `tracing_subscriber::fmt().finish()` has no filters for single layers, and panics if a layer asks for one.
fn has_filters<S>() -> bool {
    !type_name::<S>().contains("tracing_subscriber::fmt::Subscriber<")
}

impl<S> fmt::Debug for SpanLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanLayer")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
