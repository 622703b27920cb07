//! The layer that makes log records.

use std::{any::type_name, fmt, sync::OnceLock, time::SystemTime};

use opentelemetry::{
    Context as OtelContext,
    logs::{LogRecord as _, Logger, Severity},
    trace::TraceContextExt as _,
};
use otel_core::{active_context, redact::Secrets, span_fields::Owner, telemetry_crates};
use tracing_core::{
    Dispatch, Event, Interest, Level, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{layer::Context, registry::LookupSpan};

use super::record::Attributes as RecordAttributes;
use crate::{config::Config, ids::IdSource, span_fields, spans_around, template::Template};

/// Creates a layer that passes each event to this OpenTelemetry logger as a log record.
///
/// See [`RecordLayer`] for an example and for what a record contains. Requires the feature `records`.
pub fn record_layer<L: Logger>(logger: L) -> RecordLayer<L> {
    RecordLayer {
        logger,
        config: Config::default(),
        template: OnceLock::new(),
        ids: IdSource::default(),
    }
}

/// A layer that passes each event to an OpenTelemetry logger as a log record, with the same content as a line.
///
/// Created by [`record_layer`]. Use it with or without [`layer`](crate::layer).
///
/// ```
/// use opentelemetry::logs::LoggerProvider as _;
/// use opentelemetry_sdk::logs::SdkLoggerProvider;
/// use tracing_subscriber::prelude::*;
///
/// let provider = SdkLoggerProvider::builder().build(); // and an exporter
/// tracing_subscriber::registry()
///     .with(otel_log::layer())
///     .with(otel_log::record_layer(provider.logger("")))
///     .init();
/// ```
///
/// # The record
///
/// | in a line | in a record |
/// | --- | --- |
/// | `timestamp` | time and observed time |
/// | `level` | severity number and text |
/// | `target` | name of the scope |
/// | `message` | body |
/// | fields of the event, then of its span | attributes, in this order; of two fields with the same name, only the first |
/// | `trace_id`, `span_id`, `trace_flags` | ids and flags of the record, found by the same rules |
/// | the event's name, if code sets one (`info!(name: "cart.priced", …)`) | event name |
///
/// Values keep their types. An integer that does not fit into 64 bits becomes text, and an error becomes an array of texts: the
/// error, then its sources. The same fields are redacted as in lines, and texts are cut after the same 16 KiB. A record has at
/// most 128 KiB of attributes. Attributes beyond that are left out, and the attribute `fields_left_out` is their number.
///
/// # Events without a record
///
/// These events are written as lines only:
///
/// - Events of OpenTelemetry's own crates, for example with the target `opentelemetry_sdk`. Otherwise each export could cause the
///   next. Events of an application's crate such as `opentelemetry_shop` become records.
/// - Events on a thread for which telemetry is suppressed ([`enter_telemetry_suppressed_scope`]), such as the SDK's threads.
/// - Events of a thread whose OpenTelemetry context is already destroyed, because the thread is ending.
///
/// [`enter_telemetry_suppressed_scope`]: opentelemetry::Context::enter_telemetry_suppressed_scope
#[must_use = "a layer does nothing until it is added to a subscriber"]
pub struct RecordLayer<L> {
    logger: L,
    config: Config,
    /// Computed from the settings when the first record is made.
    template: OnceLock<Template>,
    ids: IdSource,
}

impl<L> RecordLayer<L> {
    /// Sets the list of secrets: the fields whose values are replaced with `REDACTED`. By default the list of the process applies.
    ///
    /// [`Layer::secrets`](crate::Layer::secrets) describes which fields match.
    pub fn secrets(self, secrets: Secrets) -> Self {
        self.with(|config| config.secrets.set(secrets))
    }

    /// Limits the bytes of a text. Default and maximum: 16 KiB.
    ///
    /// A longer text is cut between two characters and marked with `…[cut]`.
    pub fn value_limit(self, bytes: usize) -> Self {
        self.with(|config| config.value_limit = bytes)
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self.template = OnceLock::new();
        self
    }

    fn template(&self) -> &Template {
        self.template
            .get_or_init(|| Template::new(self.config.clone()))
    }
}

impl<S, L> tracing_subscriber::Layer<S> for RecordLayer<L>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    L: Logger + Send + Sync + 'static,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.ids.on_register_dispatch(dispatch);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        span_fields::register::<S>();
        if metadata.is_span() {
            self.template().span_plan(metadata);
        }
        Interest::always()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if !self.ids.has_fields(id) {
            span_fields::on_new_span(Owner::RecordLayer, id, &ctx, attributes);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            span_fields::on_record(Owner::RecordLayer, &span, values);
        }
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        self.ids.on_enter(Owner::RecordLayer, id, &ctx);
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let own = event.metadata();
        // The API also logs while its context is borrowed, and a destroyed context cannot be read.
        if telemetry_crates::is_own(own.target()) || !active_context::is_alive() {
            return;
        }
        let template = self.template();
        let plan = template.event_plan(event);
        let log_record = plan.log_record(event);
        let metadata = log_record.as_ref().unwrap_or(own);
        let severity = severity(*metadata.level());
        let name = given_name(own);
        if !self.logger.event_enabled(severity, metadata.target(), name) {
            return;
        }
        let mut record = self.logger.create_log_record();
        let time = SystemTime::now();
        record.set_timestamp(time);
        record.set_observed_timestamp(time);
        record.set_severity_number(severity);
        record.set_severity_text(metadata.level().as_str());
        match &log_record {
            Some(metadata) => record.set_target(metadata.target().to_owned()),
            None => record.set_target(own.target()),
        }
        if let Some(name) = name {
            record.set_event_name(name);
        }
        let mut attributes = RecordAttributes::new(&mut record, template);
        attributes.add_event(event, &plan.fields);
        spans_around::visit(event, &ctx, template, |metadata, fields| {
            attributes.add_span(metadata, fields, &plan.fields);
            false // only the innermost
        });
        attributes.finish();
        // The SDK gives a record without ids those of the active context.
        let _no_context = match self.ids.event_ids(event, &ctx) {
            Some(ids) => {
                record.set_trace_context(ids.trace_id, ids.span_id, Some(ids.trace_flags));
                None
            }
            None => OtelContext::map_current(OtelContext::has_active_span)
                .then(|| OtelContext::new().attach()),
        };
        self.logger.emit(record);
    }
}

/// Returns the smallest number of the level's range in the log data model.
fn severity(level: Level) -> Severity {
    match level {
        Level::TRACE => Severity::Trace,
        Level::DEBUG => Severity::Debug,
        Level::INFO => Severity::Info,
        Level::WARN => Severity::Warn,
        Level::ERROR => Severity::Error,
    }
}

/// Returns the name that code sets for the event. The name that `tracing` generates from file and line is not returned.
fn given_name(metadata: &Metadata<'static>) -> Option<&'static str> {
    let name = metadata.name();
    let location = name.strip_prefix("event ");
    let file = metadata.file().unwrap_or_default();
    let is_generated = location.is_some_and(|location| location.starts_with(file));
    (!is_generated && name != LOG_CRATE).then_some(name)
}

/// The name of the events for records of the `log` crate.
const LOG_CRATE: &str = "log event";

impl<L> fmt::Debug for RecordLayer<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordLayer")
            .field("logger", &type_name::<L>())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
