//! How a layer is set up.

use crate::{fields::Fields, format::Format, secret::SecretNames};

/// Which spans' fields a line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Spans {
    /// Those of the event's own span.
    #[default]
    Current,
    /// Those of all spans around the event in one; of two fields with the same name the inner span's stays.
    Merged,
    /// Each span around the event as an object of its own with its `name`, outermost first, in a list `spans`.
    List,
    /// None.
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
    pub(crate) secrets: SecretNames,
    /// Bytes of one value.
    pub(crate) value_limit: usize,
    /// Bytes of a line before the ids.
    pub(crate) line_limit: usize,
    /// Lines of one callsite in one second.
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
            secrets: SecretNames::default(),
            value_limit: VALUE_LIMIT,
            line_limit: 128 * 1024,
            rate_limit: None,
            expects_ids: true,
            pretty: false,
            color: false,
        }
    }
}

/// Of a text in bytes, unless a layer is told otherwise.
pub(crate) const VALUE_LIMIT: usize = 16 * 1024;
