use std::{any::type_name, fmt, sync::OnceLock, time::SystemTime};

use opentelemetry::{
    Context as OtelContext,
    logs::{LogRecord as _, Logger, Severity},
    trace::TraceContextExt as _,
};
use tracing_core::{
    Dispatch, Event, Level, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::{layer::Context, registry::LookupSpan};

use super::{record::Attributes as RecordAttributes, span_values::SpanValues};
use crate::{
    config::Config,
    ids::{self, Ids},
    secret::SecretNames,
    span_data::SpanData as _,
    template::Template,
};

/// Creates a layer that hands each event to this OpenTelemetry logger as a log record.
///
/// See [`RecordLayer`] for an example and for what a record holds. Needs the feature `records`.
pub fn record_layer<L: Logger>(logger: L) -> RecordLayer<L> {
    RecordLayer {
        logger,
        config: Config::default(),
        template: OnceLock::new(),
        ids: ids::Source::default(),
    }
}

/// A layer that hands each event to an OpenTelemetry logger as a log record: what a line holds, for an exporter.
///
/// Made by [`record_layer`]. It stands beside [`layer`](crate::layer), or alone.
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
/// | of a line | of a record |
/// | --- | --- |
/// | `timestamp` | time and observed time |
/// | `level` | severity, as number and text |
/// | `target` | the name of the scope |
/// | `message` | body |
/// | fields of the event, then of its span | attributes, in the same order; of two with one name the same stays |
/// | `trace_id`, `span_id`, `trace_flags` | the record's own, found by the same rules |
/// | the event's name, where code gave one (`info!(name: "cart.priced", …)`) | event name |
///
/// Values keep their types. Integers that need more than 64 bits are text, bytes are bytes, an error is an array of texts:
/// itself, then its sources. The same fields are `REDACTED`, texts are cut after the same 16 KiB, and attributes are left
/// out of a record that would have more than 128 KiB of them, whose attribute `fields_left_out` says how many.
///
/// # What is no record
///
/// What OpenTelemetry's own crates log, told by targets that begin with `opentelemetry`, and all that is logged while
/// telemetry is suppressed ([`enter_telemetry_suppressed_scope`]), as on the SDK's threads: an exporter's own words would be
/// exported themselves, and so on for ever. Nor what a thread logs after its OpenTelemetry context is gone, while its locals
/// are destroyed. The lines have all of it.
///
/// [`enter_telemetry_suppressed_scope`]: opentelemetry::Context::enter_telemetry_suppressed_scope
#[must_use = "a layer does nothing until it is added to a subscriber"]
pub struct RecordLayer<L> {
    logger: L,
    config: Config,
    /// Made from the settings when the first record is.
    template: OnceLock<Template>,
    ids: ids::Source,
}

impl<L> RecordLayer<L> {
    /// Adds names of fields whose values become `REDACTED`, as [`Layer::secret_fields`](crate::Layer::secret_fields) does.
    pub fn secret_fields(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.with(|config| config.secrets = std::mem::take(&mut config.secrets).and(names))
    }

    /// Redacts these fields only, and none of those that are known to hold secrets.
    pub fn dangerously_redact_only(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.with(|config| config.secrets = SecretNames::dangerously_only(names))
    }

    /// Sets how many bytes a text may have; 16 KiB by default and at most.
    ///
    /// A longer one is cut at the end of a character and marked with `…[cut]`.
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

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if attributes.fields().is_empty() {
            return;
        }
        if let Some(span) = ctx.span(id) {
            SpanValues::on_new_span(&span, attributes);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            SpanValues::on_record(&span, values);
        }
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            self.ids.on_enter(&span);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let own = event.metadata();
        // The API logs while it has its context borrowed, and no one can read a context that is gone.
        if own.target().starts_with(ids::OTEL_API) || !ids::otel_context_is_alive() {
            return;
        }
        let template = self.template();
        let plan = template.event_plan(event);
        let of_log_crate = if plan.is_log_crate {
            event.normalized_metadata()
        } else {
            None
        };
        let metadata = of_log_crate.as_ref().unwrap_or(own);
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
        match &of_log_crate {
            Some(metadata) => record.set_target(metadata.target().to_owned()),
            None => record.set_target(own.target()),
        }
        if let Some(name) = name {
            record.set_event_name(name);
        }
        let mut attributes = RecordAttributes::new(&mut record, template);
        attributes.of_event(event, &plan.fields);
        if let Some(span) = ctx.event_span(event) {
            attributes.of_span(&span, &plan.fields);
        }
        attributes.finish();
        self.emit(record, self.ids.of_event(event, &ctx));
    }
}

impl<L: Logger> RecordLayer<L> {
    fn emit(&self, mut record: L::LogRecord, ids: Option<Ids>) {
        // Without ids of its own a record gets those of the active context.
        let _none = match ids {
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

/// The smallest number of each range of the log data model.
fn severity(level: Level) -> Severity {
    match level {
        Level::TRACE => Severity::Trace,
        Level::DEBUG => Severity::Debug,
        Level::INFO => Severity::Info,
        Level::WARN => Severity::Warn,
        Level::ERROR => Severity::Error,
    }
}

/// The name that code gave the event. Without one it is called after its place, which names no kind of event.
fn given_name(metadata: &Metadata<'static>) -> Option<&'static str> {
    let name = metadata.name();
    let place = name.strip_prefix("event ");
    let file = metadata.file().unwrap_or_default();
    let is_place = place.is_some_and(|place| place.starts_with(file));
    (!is_place && name != LOG_CRATE).then_some(name)
}

/// The name of the event that carries a record of the `log` crate.
const LOG_CRATE: &str = "log event";

impl<L> fmt::Debug for RecordLayer<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordLayer")
            .field("logger", &type_name::<L>())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
