//! How a line names what it holds.

mod presets;

use std::borrow::Cow;

use tracing_core::Level;

pub use crate::timestamp::Timestamp;

/// What the line itself says, besides the fields of events and spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Key {
    /// When the event happened.
    Timestamp,
    /// How severe it is.
    Level,
    /// The target of the event: the module it comes from, unless it says otherwise.
    Target,
    /// The text of the event.
    Message,
    /// The trace, 32 lower-case hex digits.
    TraceId,
    /// The span, 16 lower-case hex digits.
    SpanId,
    /// The flags of the trace context, 2 hex digits.
    TraceFlags,
    /// The source file, with [`Layer::location`](crate::Layer::location).
    File,
    /// The line in that file.
    Line,
    /// The name of the thread, with [`Layer::thread`](crate::Layer::thread).
    ThreadName,
    /// The number of the thread.
    ThreadId,
    /// The object of the event's fields, with [`Layer::nested`](crate::Layer::nested).
    Fields,
    /// The object of the current span's fields, or of all spans' with [`Spans::Merged`](crate::Spans::Merged); nested.
    Span,
    /// The list of all spans, with [`Spans::List`](crate::Spans::List).
    Spans,
    /// How many fields a line has lost to [`Layer::line_limit`](crate::Layer::line_limit).
    FieldsLeftOut,
    /// How many lines [`Layer::rate_limit`](crate::Layer::rate_limit) has kept back before this one.
    LinesLeftOut,
}

pub(crate) const KEYS: usize = Key::LinesLeftOut as usize + 1;

impl Key {
    pub(crate) const ALL: [Self; KEYS] = [
        Self::Timestamp,
        Self::Level,
        Self::Target,
        Self::Message,
        Self::TraceId,
        Self::SpanId,
        Self::TraceFlags,
        Self::File,
        Self::Line,
        Self::ThreadName,
        Self::ThreadId,
        Self::Fields,
        Self::Span,
        Self::Spans,
        Self::FieldsLeftOut,
        Self::LinesLeftOut,
    ];
}

/// The names and forms of what each line says.
///
/// # Examples
///
/// ```
/// use otel_log::{Format, Key};
///
/// let layer = otel_log::layer().format(Format::opentelemetry().name(Key::Message, "body").without(Key::TraceFlags));
/// # let _: otel_log::Layer = layer;
/// ```
#[derive(Debug, Clone)]
#[must_use = "a format does nothing until a layer is told of it"]
pub struct Format {
    names: [Option<Cow<'static, str>>; KEYS],
    timestamp: Timestamp,
    levels: [&'static str; 5],
    trace_form: TraceForm,
    location_form: LocationForm,
    constant: &'static [(&'static str, &'static str)],
    target_is_last: bool,
}

/// How the ids are written.
#[derive(Debug, Clone)]
pub(crate) enum TraceForm {
    Hex,
    /// `projects/PROJECT/traces/TRACE`, and whether it is sampled as a boolean.
    GoogleCloud {
        project: String,
    },
}

/// How file and line are written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LocationForm {
    Fields,
    /// One object, in which the line is text.
    GoogleCloud,
}

impl Format {
    /// Gives one thing another name.
    pub fn name(mut self, key: Key, name: impl Into<Cow<'static, str>>) -> Self {
        self.set(key, Some(name.into()));
        self
    }

    /// Leaves one thing out of all lines.
    pub fn without(mut self, key: Key) -> Self {
        self.set(key, None);
        self
    }

    /// Sets how the time is written; [`Timestamp::Micros`] by default.
    pub fn timestamp(self, timestamp: Timestamp) -> Self {
        Self { timestamp, ..self }
    }

    fn set(&mut self, key: Key, name: Option<Cow<'static, str>>) {
        if let Some(place) = self.names.get_mut(key as usize) {
            *place = name;
        }
    }

    pub(crate) fn name_of(&self, key: Key) -> Option<&str> {
        self.names.get(key as usize)?.as_deref()
    }

    pub(crate) fn level(&self, level: Level) -> &'static str {
        let [error, warn, info, debug, trace] = self.levels;
        match level {
            Level::ERROR => error,
            Level::WARN => warn,
            Level::INFO => info,
            Level::DEBUG => debug,
            Level::TRACE => trace,
        }
    }

    pub(crate) fn time_form(&self) -> Timestamp {
        self.timestamp
    }

    pub(crate) fn trace_form(&self) -> &TraceForm {
        &self.trace_form
    }

    pub(crate) fn location_form(&self) -> LocationForm {
        self.location_form
    }

    /// Whether the target stands behind the fields instead of before the message.
    pub(crate) fn target_is_last(&self) -> bool {
        self.target_is_last
    }

    pub(crate) fn constant(&self) -> &'static [(&'static str, &'static str)] {
        self.constant
    }
}
