//! What a span layer does.

use opentelemetry::InstrumentationScope;
use otel_core::redact::SecretsChoice;

/// The most bytes of a text by default, as in log lines.
const VALUE_LIMIT: usize = 16 * 1024;

/// The settings of a layer, without its filter.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The scope of spans that are not made by a crate of this project.
    pub(crate) scope: InstrumentationScope,
    pub(crate) has_parent_based_sampler: bool,
    pub(crate) function_names: bool,
    pub(crate) secrets: SecretsChoice,
    /// In bytes of one text.
    pub(crate) value_limit: usize,
    pub(crate) events: bool,
    pub(crate) error_events: bool,
    pub(crate) error_fields: bool,
    pub(crate) links: bool,
    pub(crate) ends_at_exit: bool,
}

impl Options {
    pub(crate) fn new() -> Self {
        Self {
            scope: InstrumentationScope::builder("otel_tracing")
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
            has_parent_based_sampler: false,
            function_names: true,
            secrets: SecretsChoice::default(),
            value_limit: VALUE_LIMIT,
            events: false,
            error_events: true,
            error_fields: true,
            links: true,
            ends_at_exit: false,
        }
    }
}
