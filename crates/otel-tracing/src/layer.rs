//! The layer and its options.

use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_core::redact::Secrets;
use tracing_core::{LevelFilter, Subscriber};
use tracing_subscriber::registry::LookupSpan;

use crate::callsite_filtered::CallsiteFiltered;
use crate::drop_in::DropIn;
use crate::filter::{EventFilter, SpanFilter};
use crate::options::Options;
use crate::recorder::Recorder;

/// Makes OpenTelemetry spans of `tracing` spans. Created by [`layer`](crate::layer).
///
/// # Which spans
///
/// Spans of INFO and above, of all targets. [`with_level`](Self::with_level), [`with_target`](Self::with_target) and
/// [`with_span_filter`](Self::with_span_filter) change this. The filter belongs to this layer only. Other layers see what they saw before.
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
pub type SpanLayer<S> = CallsiteFiltered<Recorder<S>, SpanFilter, S>;

impl<S> SpanLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    pub(crate) fn from_provider(provider: SdkTracerProvider) -> Self {
        let options = Options::new();
        let filter = SpanFilter::new(event_filter(&options));
        Self::from_parts(provider, options, filter)
    }

    fn from_parts(provider: SdkTracerProvider, options: Options, filter: SpanFilter) -> Self {
        let recorder = Recorder::new(provider, options);
        let answers = Arc::<DropIn<S>>::clone(recorder.drop_in());
        Self::with_answers(recorder, filter, Some(answers))
    }

    fn with(self, change: impl FnOnce(&mut Options)) -> Self {
        let recorder = self.filtered.inner();
        let mut options = recorder.options().clone();
        change(&mut options);
        let mut filter = self.filtered.filter().clone();
        filter.events = event_filter(&options);
        Self::from_parts(recorder.provider().clone(), options, filter)
    }

    fn with_filter_of(self, filter: SpanFilter) -> Self {
        let recorder = self.filtered.inner();
        Self::from_parts(
            recorder.provider().clone(),
            recorder.options().clone(),
            filter,
        )
    }

    /// Sets the lowest level of spans. Default: INFO.
    ///
    /// Below INFO, spans of the targets `h2`, `hyper`, `tonic` and `tower` stay off, because one request has dozens of them.
    /// [`with_target`](Self::with_target) enables them.
    #[must_use]
    pub fn with_level(self, level: impl Into<LevelFilter>) -> Self {
        let filter = self.filtered.filter().clone();
        self.with_filter_of(filter.with_level(level.into()))
    }

    /// Sets the lowest level of spans whose target begins with this text. A longer target wins. Further calls add targets.
    #[must_use]
    pub fn with_target(self, target: impl Into<String>, level: impl Into<LevelFilter>) -> Self {
        let filter = self.filtered.filter().clone();
        self.with_filter_of(filter.with_target(target.into(), level.into()))
    }

    /// Sets the lowest level of spans, for each target. Default: INFO for all targets.
    ///
    /// Replaces what [`with_level`](Self::with_level) and [`with_target`](Self::with_target) have set. Further calls of these change
    /// the new filter.
    #[must_use]
    pub fn with_span_filter(self, mut filter: SpanFilter) -> Self {
        filter.events = self.filtered.filter().events;
        self.with_filter_of(filter)
    }

    /// Sets whether the provider's sampler drops every span whose local parent is not sampled. Default: `false`.
    ///
    /// `Sampler::ParentBased` does. With `true`, a span of an unsampled trace only carries the context of its parent, which costs
    /// less than half of a span. Do not set it with a sampler that decides for each span: its decision would not be asked for.
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

    /// Sets the list of secrets: the fields whose values become `REDACTED`. By default the list of the process applies, which
    /// `otel_core::redact::set_default` sets.
    ///
    /// The user info of URLs is hidden in every text.
    #[must_use]
    pub fn with_secrets(self, secrets: Secrets) -> Self {
        self.with(|options| options.secrets.set(secrets))
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
}

fn event_filter(options: &Options) -> EventFilter {
    EventFilter {
        all: options.events,
        errors: options.error_events,
        error_fields: options.error_fields,
    }
}
