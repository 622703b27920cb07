//! The names and forms of a line's own members, and the presets of log stores.

use std::borrow::Cow;

use tracing_core::Level;

use crate::timestamp::Timestamp;

/// A member that the line itself writes, in addition to the fields of events and spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Key {
    /// The time of the event.
    Timestamp,
    /// The level of the event.
    Level,
    /// The target of the event: by default the path of its module.
    Target,
    /// The message of the event.
    Message,
    /// The trace id: 32 lower-case hex digits.
    TraceId,
    /// The span id: 16 lower-case hex digits.
    SpanId,
    /// The flags of the trace context: 2 hex digits.
    TraceFlags,
    /// The source file. Written if [`Layer::location`](crate::Layer::location) is on.
    File,
    /// The line in the source file. Written if [`Layer::location`](crate::Layer::location) is on.
    Line,
    /// The name of the thread. Written if [`Layer::thread`](crate::Layer::thread) is on.
    ThreadName,
    /// The number of the thread. Written if [`Layer::thread`](crate::Layer::thread) is on.
    ThreadId,
    /// The object with the event's fields. Written if [`Layer::nested`](crate::Layer::nested) is on.
    Fields,
    /// The object with the fields of the current span, or of all spans with [`Spans::Merged`](crate::Spans::Merged). Written
    /// if [`Layer::nested`](crate::Layer::nested) is on.
    Span,
    /// The list of all spans, with [`Spans::List`](crate::Spans::List).
    Spans,
    /// The number of fields that did not fit into [`Layer::line_limit`](crate::Layer::line_limit).
    FieldsLeftOut,
    /// The number of lines that [`Layer::rate_limit`](crate::Layer::rate_limit) suppressed before this line.
    LinesLeftOut,
}

/// How many variants [`Key`] has.
pub(crate) const KEYS: usize = Key::LinesLeftOut as usize + 1;

/// The names and forms of the members that the line itself writes.
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
#[must_use = "a format does nothing until it is passed to Layer::format"]
pub struct Format {
    /// The name of each [`Key`], at the index of its discriminant; `None` if the format leaves it out.
    pub(crate) names: [Option<Cow<'static, str>>; KEYS],
    pub(crate) timestamp: Timestamp,
    levels: [&'static str; 5],
    pub(crate) trace_form: TraceForm,
    pub(crate) location_form: LocationForm,
    /// Members that are the same in every line.
    pub(crate) constants: &'static [(&'static str, &'static str)],
    /// Whether the target follows the fields instead of the level.
    pub(crate) is_target_last: bool,
}

/// How the ids are written.
#[derive(Debug, Clone)]
pub(crate) enum TraceForm {
    Hex,
    /// The trace id as `projects/PROJECT/traces/TRACE`, the flags as one Boolean: whether the trace is sampled.
    GoogleCloud {
        project: String,
    },
}

/// How source file and line are written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LocationForm {
    Fields,
    /// One object. The line number is a string in it.
    GoogleCloud,
}

impl Format {
    /// Returns the format with OpenTelemetry's names. This is the default.
    ///
    /// `trace_id`, `span_id` and `trace_flags` come from the specification for logs in other formats
    /// (<https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/>), the other names from the semantic
    /// conventions.
    pub fn opentelemetry() -> Self {
        // In the order of the variants.
        let names: [(Key, &'static str); KEYS] = [
            (Key::Timestamp, "timestamp"),
            (Key::Level, "level"),
            (Key::Target, "target"),
            (Key::Message, "message"),
            (Key::TraceId, "trace_id"),
            (Key::SpanId, "span_id"),
            (Key::TraceFlags, "trace_flags"),
            (Key::File, "code.file.path"),
            (Key::Line, "code.line.number"),
            (Key::ThreadName, "thread.name"),
            (Key::ThreadId, "thread.id"),
            (Key::Fields, "fields"),
            (Key::Span, "span"),
            (Key::Spans, "spans"),
            (Key::FieldsLeftOut, "fields_left_out"),
            (Key::LinesLeftOut, "lines_left_out"),
        ];
        Self {
            names: names.map(|(_, name)| Some(Cow::Borrowed(name))),
            timestamp: Timestamp::Micros,
            levels: ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"],
            trace_form: TraceForm::Hex,
            location_form: LocationForm::Fields,
            constants: &[],
            is_target_last: false,
        }
    }

    /// Returns the format that Google Cloud Logging reads as severity, time, trace and source location.
    ///
    /// `project` is the id of the project that stores the traces.
    /// See <https://cloud.google.com/logging/docs/structured-logging>.
    pub fn google_cloud(project: impl Into<String>) -> Self {
        Self {
            levels: ["ERROR", "WARNING", "INFO", "DEBUG", "DEBUG"],
            trace_form: TraceForm::GoogleCloud {
                project: project.into(),
            },
            location_form: LocationForm::GoogleCloud,
            ..Self::opentelemetry()
        }
        .name(Key::Timestamp, "time")
        .name(Key::Level, "severity")
        .name(Key::TraceId, "logging.googleapis.com/trace")
        .name(Key::SpanId, "logging.googleapis.com/spanId")
        .name(Key::TraceFlags, "logging.googleapis.com/trace_sampled")
        .name(Key::File, "logging.googleapis.com/sourceLocation")
    }

    /// Returns the format whose attributes Datadog reads as status, logger and trace.
    ///
    /// See <https://docs.datadoghq.com/logs/log_configuration/attributes_naming_convention/>.
    pub fn datadog() -> Self {
        Self {
            levels: ["error", "warn", "info", "debug", "trace"],
            ..Self::opentelemetry()
        }
        .name(Key::Level, "status")
        .name(Key::Target, "logger.name")
        .name(Key::ThreadName, "logger.thread_name")
    }

    /// Returns the format with the fields of the Elastic Common Schema 8.11, in the order of Elastic's logging libraries.
    ///
    /// See <https://github.com/elastic/ecs-logging/tree/main/spec>.
    pub fn elastic() -> Self {
        Self {
            constants: &[("ecs.version", "8.11.0")],
            // The specification starts with time, level and message, in this order.
            is_target_last: true,
            ..Self::opentelemetry()
        }
        .name(Key::Timestamp, "@timestamp")
        .name(Key::Level, "log.level")
        .name(Key::Target, "log.logger")
        .name(Key::TraceId, "trace.id")
        .name(Key::SpanId, "span.id")
        .without(Key::TraceFlags)
        .name(Key::File, "log.origin.file.name")
        .name(Key::Line, "log.origin.file.line")
        .name(Key::ThreadName, "process.thread.name")
        .name(Key::ThreadId, "process.thread.id")
    }

    /// Sets the name under which a key is written.
    pub fn name(self, key: Key, name: impl Into<Cow<'static, str>>) -> Self {
        self.set(key, Some(name.into()))
    }

    /// Leaves a key out of every line.
    pub fn without(self, key: Key) -> Self {
        self.set(key, None)
    }

    /// Sets how the time is written. Default: [`Timestamp::Micros`].
    pub fn timestamp(self, timestamp: Timestamp) -> Self {
        Self { timestamp, ..self }
    }

    fn set(mut self, key: Key, name: Option<Cow<'static, str>>) -> Self {
        if let Some(place) = self.names.get_mut(key as usize) {
            *place = name;
        }
        self
    }

    /// Returns the text of a level.
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
}

impl Default for Format {
    fn default() -> Self {
        Self::opentelemetry()
    }
}
