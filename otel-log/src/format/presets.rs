//! The formats that log stores read without being told.

use std::borrow::Cow;

use super::{Format, KEYS, Key, LocationForm, Timestamp, TraceForm};

impl Default for Format {
    fn default() -> Self {
        Self::opentelemetry()
    }
}

impl Format {
    /// The names of OpenTelemetry, which are the default.
    ///
    /// `trace_id`, `span_id` and `trace_flags` are those of the specification for logs of other formats
    /// (<https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/>), the others those of the semantic
    /// conventions.
    pub fn opentelemetry() -> Self {
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
            constant: &[],
            target_is_last: false,
        }
    }

    /// What Google Cloud Logging reads as severity, time, trace and place; `project` is the id of the project that has the
    /// traces.
    ///
    /// <https://cloud.google.com/logging/docs/structured-logging>
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

    /// The attributes that Datadog reads as status, logger and trace.
    ///
    /// <https://docs.datadoghq.com/logs/log_configuration/attributes_naming_convention/>
    pub fn datadog() -> Self {
        Self {
            levels: ["error", "warn", "info", "debug", "trace"],
            ..Self::opentelemetry()
        }
        .name(Key::Level, "status")
        .name(Key::Target, "logger.name")
        .name(Key::ThreadName, "logger.thread_name")
    }

    /// The fields of the Elastic Common Schema, version 8.11, in the order that its logging libraries share.
    ///
    /// <https://github.com/elastic/ecs-logging/tree/main/spec>
    pub fn elastic() -> Self {
        Self {
            constant: &[("ecs.version", "8.11.0")],
            // time, level and message come first, in this order
            target_is_last: true,
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
}
