//! The settings of a layer.

use otel_core::redact::SecretsChoice;

use crate::{fields::Fields, format::Format};

/// The spans whose fields are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Spans {
    /// Writes the fields of the event's own span. This is the default.
    #[default]
    Current,
    /// Writes the fields of all spans around the event together. If two spans have a field of the same name, the inner span's
    /// field is written.
    Merged,
    /// Writes a list `spans` with one object for each span around the event, outermost first: the span's `name` and its fields.
    List,
    /// Writes no fields of spans.
    None,
}

#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) format: Format,
    pub(crate) spans: Spans,
    pub(crate) nested: bool,
    pub(crate) location: bool,
    pub(crate) thread: bool,
    pub(crate) extra: Vec<Fields>,
    pub(crate) secrets: SecretsChoice,
    /// In bytes of one value.
    pub(crate) value_limit: usize,
    /// In bytes of a line without its ids.
    pub(crate) line_limit: usize,
    /// In lines of a callsite per second.
    pub(crate) rate_limit: Option<u32>,
    pub(crate) expects_ids: bool,
    pub(crate) pretty: bool,
    pub(crate) color: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            format: Format::default(),
            spans: Spans::default(),
            nested: false,
            location: false,
            thread: false,
            extra: Vec::new(),
            secrets: SecretsChoice::default(),
            value_limit: VALUE_LIMIT,
            line_limit: 128 * 1024,
            rate_limit: None,
            expects_ids: true,
            pretty: false,
            color: false,
        }
    }
}

/// The default limit of a text, in bytes.
pub(crate) const VALUE_LIMIT: usize = 16 * 1024;
