//! Builds a set-up, and installs it.

use std::sync::{Mutex, PoisonError};

use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId,
    TraceState, Tracer as _,
};
use opentelemetry::{Context, global};
use otel_tracing::SpanFilter;
use tracing::Subscriber;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Layered, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::build::SetUp;
use crate::builder::Builder;
use crate::error::SetupError;
use crate::install::{ExtraLayer, Parts, install};
use crate::lines::LineFilter;
#[cfg(feature = "logs")]
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::signal_context::SignalContext;
use crate::span_layer::SpanSettings;
use crate::start_line::{StartLine, describe_lines};
use crate::telemetry::{Globals, Telemetry};
use crate::traces::Traces;
use crate::variables::{Directives, Environment, Scope, ValueType as _, table};
use crate::warning::{EventName, Warning, Warnings};

/// A process that was set up stays so, also after its guard is dropped.
static IS_SET_UP: Mutex<bool> = Mutex::new(false);

const DEFAULT_FILTER: &str = "info";
/// What the start line says about lines that the program's own layers write.
const OF_PROGRAM: &str = "as the program's own layers decide";

impl Builder {
    /// Sets everything up for the whole process. The guard keeps the export running.
    ///
    /// # Errors
    ///
    /// - if an endpoint, a header or a certificate cannot be used,
    /// - if there is a warning and the set-up is [strict](Self::strict),
    /// - if a `tracing` subscriber is installed already, for example by an earlier set-up, which continues unchanged.
    ///
    /// After an error nothing is exported and nothing global is changed.
    pub fn init(mut self) -> Result<Telemetry, SetupError> {
        // Held to the end, so that of two set-ups at once one succeeds. After an error another may be tried.
        let mut is_set_up = IS_SET_UP.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_set_up {
            return Err(SetupError::already_set_up());
        }
        let layers = std::mem::take(&mut self.layers);
        let telemetry = if layers.is_empty() {
            self.install(Registry::default())?
        } else {
            let registry: Layered<Vec<ExtraLayer>, Registry> = Registry::default().with(layers);
            self.install(registry)?
        };
        *is_set_up = true;
        Ok(telemetry.install_globals())
    }

    fn install<S>(self, base: S) -> Result<Telemetry, SetupError>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let uses_tracing_opentelemetry = self.uses_tracing_opentelemetry;
        let has_lines = self.has_lines;
        let (set_up, spans) = self.assemble(has_lines)?;
        let parts = Parts {
            spans,
            uses_tracing_opentelemetry,
            has_lines,
        };
        install(base, set_up, &parts)
    }

    /// Builds everything and installs nothing, for a program that has a subscriber of its own. Layers of [`layer`](Self::layer) are
    /// not part of it.
    ///
    /// # Errors
    ///
    /// As [`init`](Self::init), except that a subscriber of the process does not matter.
    pub fn build<S>(self) -> Result<SetUp<S>, SetupError>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        self.assemble(false).map(|(set_up, _)| set_up)
    }

    /// Builds everything. `has_lines` says that the lines are written by the layer of otel-setup.
    fn assemble<S>(self, has_lines: bool) -> Result<(SetUp<S>, SpanSettings), SetupError>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let warnings = Warnings::default();
        let secrets = self.secrets.clone().unwrap_or_default();
        let environment = Environment::new(self.overrides, secrets.clone(), warnings.clone());
        let is_strict = environment.get(&table::STRICT, None) || self.is_strict;
        let is_disabled = environment.get(&table::SDK_DISABLED, self.sdk_disabled);
        let detects_context_loss = environment.get(&table::CONTEXT_LOSS, None);
        let propagator = self.propagation.choose(&environment);
        let (resource, service) = self.resource.build(&environment, &secrets);
        let log_filter = log_filter(
            &environment,
            self.override_filter.as_deref(),
            self.default_filter.as_deref(),
        );
        let span_filter = ChosenSpanFilter::new(&environment, self.span_filter.as_deref());
        let mut lines = self.lines;
        let shown = lines.format().shown();
        let format = environment.find(&table::LOG_FORMAT, &shown);
        lines.format = format.or(lines.format);

        let shown_filter = log_filter.handle().current();
        let (shown_filter, shown_lines) = if has_lines {
            let lines = describe_lines(&lines);
            (shown_filter, lines)
        } else {
            (OF_PROGRAM.to_owned(), OF_PROGRAM.to_owned())
        };

        // If something fails from here on, dropping it ends the threads of what was built before.
        let mut telemetry = Telemetry::new(self.flush_limit, log_filter.clone());
        let mut start_line = StartLine {
            is_disabled,
            service,
            traces: String::new(),
            metrics: String::new(),
            logs: "none".to_owned(),
            sampler: String::new(),
            propagators: propagator.name().to_owned(),
            span_filter: span_filter.shown,
            log_filter: shown_filter,
            lines: shown_lines,
        };
        let mut spans = SpanSettings {
            filter: span_filter.filter,
            events: self.span_events,
            is_parent_based: false,
        };
        if !is_disabled {
            if has_tracer_provider() {
                environment.add(Warning::new(
                    EventName::TracerProviderReplaced,
                    "a tracer provider was set before; it is replaced by that of otel-setup; set only one",
                ));
            }
            let context = SignalContext {
                environment: &environment,
                for_all: &self.export,
                only_if_configured: self.exports_only_if_configured,
                resource,
                report_interval: self.report_interval,
            };
            let metrics = Metrics::new(&context, self.metrics)?;
            telemetry.meter_provider = metrics.provider;
            start_line.metrics = metrics.description;
            #[cfg(feature = "logs")]
            {
                telemetry.logs = Logs::new(&context, &self.logs)?;
                if let Some(logs) = &telemetry.logs {
                    start_line.logs.clone_from(&logs.description);
                }
            }
            let traces = Traces::new(&context, self.traces, secrets.clone())?;
            spans.is_parent_based = traces.is_parent_based;
            start_line.traces.clone_from(&traces.description);
            start_line.sampler.clone_from(&traces.sampler_name);
            telemetry.traces = Some(traces);
            table::check(&environment, Scope::Export);
        }
        table::check(&environment, Scope::Process);
        table::check_overrides(&environment);
        let found = warnings.all();
        if is_strict && !found.is_empty() {
            return Err(SetupError::warnings(found));
        }
        telemetry.globals = Some(Globals {
            propagator: propagator.clone(),
            secrets: self.secrets,
            detects_context_loss,
            warnings: warnings.clone(),
            start_line,
        });
        let tracer_provider = telemetry.tracer_provider().cloned();
        let set_up = SetUp {
            span_layer: tracer_provider.as_ref().map(|it| spans.layer(it)),
            #[cfg(feature = "logs")]
            record_layer: telemetry.logs.as_ref().map(|logs| {
                let records = otel_log::record_layer(logs.logger());
                records.secrets(secrets.clone())
            }),
            log_layer: lines.layer(secrets, tracer_provider.is_some()),
            tracer_provider,
            meter_provider: telemetry.meter_provider().cloned(),
            #[cfg(feature = "logs")]
            logger_provider: telemetry.logger_provider().cloned(),
            propagator,
            log_filter,
            warnings,
            telemetry,
        };
        Ok((set_up, spans))
    }
}

/// Returns the filter of log lines: the program's override, `RUST_LOG`, the program's default, then `info`. It never affects spans.
fn log_filter(
    environment: &Environment,
    override_filter: Option<&str>,
    default_filter: Option<&str>,
) -> LineFilter {
    let own_level = environment.find(&table::LOG_LEVEL, "");
    let own_level = own_level.map(|level| level.0);
    let of_program = |directives: Option<&str>| {
        let directives = directives?;
        match LineFilter::new(directives, own_level, true) {
            Ok(_) => Some(directives.to_owned()),
            Err(error) => {
                let message = format!("{error}; the filter of the program is ignored");
                environment.add(Warning::new(EventName::InvalidDefaultFilter, message));
                None
            }
        }
    };
    let override_filter = of_program(override_filter);
    let default_filter = of_program(default_filter).unwrap_or_else(|| DEFAULT_FILTER.to_owned());
    let otherwise = override_filter.as_ref().unwrap_or(&default_filter);
    let variable = environment.find(&table::RUST_LOG, otherwise);
    let chosen = override_filter.or(variable.map(|Directives(directives)| directives));
    let is_explicit = chosen.is_some();
    let directives = chosen.unwrap_or(default_filter);
    LineFilter::new(&directives, own_level, is_explicit).unwrap_or_else(|_| LineFilter::off())
}

/// Which `tracing` spans become OpenTelemetry spans.
struct ChosenSpanFilter {
    filter: SpanFilter,
    /// What the start line shows.
    shown: String,
}

impl ChosenSpanFilter {
    fn new(environment: &Environment, directives: Option<&str>) -> Self {
        let directives = directives.unwrap_or(DEFAULT_FILTER);
        match directives.parse() {
            Ok(filter) => Self {
                filter,
                shown: directives.to_owned(),
            },
            Err(error) => {
                let message = format!("{error}; {DEFAULT_FILTER} is used instead");
                environment.add(Warning::new(EventName::InvalidSetting, message));
                Self {
                    filter: SpanFilter::default(),
                    shown: DEFAULT_FILTER.to_owned(),
                }
            }
        }
    }
}

/// Returns `true` if the process has a global tracer provider of this version of OpenTelemetry.
///
/// Without one, a new span has the context of its parent. A provider of the SDK returns an empty context if telemetry is suppressed,
/// and records nothing.
fn has_tracer_provider() -> bool {
    let caller = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    );
    let parent = Context::new()
        .with_remote_span_context(caller.clone())
        .with_telemetry_suppressed();
    let tracer = global::tracer("otel_setup");
    let span = tracer.build_with_context(SpanBuilder::from_name("probe"), &parent);
    *span.span_context() != caller
}
