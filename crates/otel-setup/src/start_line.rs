//! The line that says what is in force.

use opentelemetry::Context;

use crate::lines::LineSettings;
use crate::resource::ServiceName;
use crate::variables::ValueType as _;

/// What a set-up has chosen. It is written when the set-up is installed.
#[derive(Debug)]
pub(crate) struct StartLine {
    pub(crate) is_disabled: bool,
    pub(crate) service: ServiceName,
    pub(crate) traces: String,
    pub(crate) metrics: String,
    pub(crate) logs: String,
    pub(crate) sampler: String,
    pub(crate) propagators: String,
    pub(crate) span_filter: String,
    pub(crate) log_filter: String,
    pub(crate) lines: String,
}

impl StartLine {
    /// Writes the line at INFO.
    pub(crate) fn log(&self) {
        // What telemetry says about itself is a line, and never a log record.
        let _lines_only = Context::enter_telemetry_suppressed_scope();
        if let Some(replaced) = &self.service.replaced {
            tracing::info!(
                target: "otel_setup",
                { event.name = "service_name_overridden" },
                "the program names the service {:?}, and the environment's name {replaced:?} is not used",
                self.service.name
            );
        }
        if self.is_disabled {
            tracing::info!(
                target: "otel_setup",
                {
                    event.name = "started",
                    service = self.service.name,
                    propagators = self.propagators,
                    log_filter = self.log_filter,
                    lines = self.lines,
                },
                "telemetry is disabled: only log lines are written"
            );
            return;
        }
        tracing::info!(
            target: "otel_setup",
            {
                event.name = "started",
                service = self.service.name,
                traces = self.traces,
                metrics = self.metrics,
                logs = self.logs,
                sampler = self.sampler,
                propagators = self.propagators,
                span_filter = self.span_filter,
                log_filter = self.log_filter,
                lines = self.lines,
            },
            "telemetry is set up"
        );
    }
}

/// Describes log lines: where they go and in which format.
pub(crate) fn describe_lines(lines: &LineSettings) -> String {
    let (format, output) = (lines.format().shown(), lines.output.name());
    // What a change of the layer does is not known.
    let changed = if lines.is_changed() {
        ", changed by the program"
    } else {
        ""
    };
    format!("{format} to {output}{changed}")
}
