//! Everything that can be told to the set-up, and the order in which it is done.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::trace::Sampler;
use otel_core::redact::{self, Secrets};
use otel_core::{context_loss, deliberate};

use crate::choice::Exporter;
use crate::error::SetupError;
#[cfg(feature = "logs")]
use crate::logs::Logs;
use crate::otlp;
use crate::secret_metrics::RedactingMeterProvider;
#[cfg(not(feature = "logs"))]
use crate::signal::Signal;
use crate::span_layer::{self, SpanSettings};
use crate::subscriber::LineSettings;
use crate::telemetry::Telemetry;
use crate::traces::Traces;
use crate::{metrics, propagator, resource, sampler, subscriber, unsupported, variable};

const FLUSH_LIMIT: Duration = Duration::from_secs(5);
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// What is set up stays so, also when its guard is gone.
static IS_SET_UP: Mutex<bool> = Mutex::new(false);

/// Sets up a process; made by [`builder`](crate::builder).
///
/// What is said here wins over the environment, and that over the defaults.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    resource: resource::Given,
    sampler: Option<Sampler>,
    propagator: Option<propagator::Shared>,
    propagation: propagator::Settings,
    traces: Option<Exporter>,
    metrics: Option<Exporter>,
    #[cfg(feature = "logs")]
    logs: Option<Exporter>,
    otlp: otlp::Given,
    flush_limit: Duration,
    report_interval: Duration,
    span_events: bool,
    uses_tracing_opentelemetry: bool,
    secrets: Option<Secrets>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            resource: resource::Given {
                service_name: None,
                attributes: Vec::new(),
                is_detected: true,
            },
            sampler: None,
            propagator: None,
            propagation: propagator::Settings::default(),
            traces: None,
            metrics: None,
            #[cfg(feature = "logs")]
            logs: None,
            otlp: otlp::Given::default(),
            flush_limit: FLUSH_LIMIT,
            report_interval: REPORT_INTERVAL,
            span_events: false,
            uses_tracing_opentelemetry: false,
            secrets: None,
        }
    }

    /// Names the service. Without it `OTEL_SERVICE_NAME` counts, then `service.name` in `OTEL_RESOURCE_ATTRIBUTES`.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.resource.service_name = Some(name.into());
        self
    }

    /// Adds an attribute of the resource, such as `service.version`; over `OTEL_RESOURCE_ATTRIBUTES` and what is
    /// detected.
    pub fn resource(mut self, attribute: KeyValue) -> Self {
        self.resource.attributes.push(attribute);
        self
    }

    /// Leaves out what is detected: the host, the process, the Kubernetes pod, and a random `service.instance.id`.
    pub fn without_detected_resource(mut self) -> Self {
        self.resource.is_detected = false;
        self
    }

    /// Sets which traces are recorded. Without it `OTEL_TRACES_SAMPLER` counts.
    ///
    /// The sampler is put inside [`RequestSampler`](crate::RequestSampler), so a request can ask for a decision of its own.
    pub fn sampler(mut self, sampler: Sampler) -> Self {
        self.sampler = Some(sampler);
        self
    }

    /// Sets how context travels. Without it `OTEL_PROPAGATORS` counts.
    pub fn propagator(
        mut self,
        propagator: impl TextMapPropagator + Send + Sync + 'static,
    ) -> Self {
        self.propagator = Some(propagator::Shared::new(propagator));
        self
    }

    /// Limits how many bytes of baggage each request sends. The default, and the maximum, is 8192.
    ///
    /// Set it if a proxy or server answers 400 to requests with much baggage: see
    /// [`BaggagePropagator::max_bytes`](otel_core::propagation::BaggagePropagator::max_bytes). It applies to the propagators that
    /// `OTEL_PROPAGATORS` names, not to one that [`propagator`](Self::propagator) sets.
    pub fn max_baggage_bytes(mut self, limit: usize) -> Self {
        self.propagation.max_baggage_bytes = Some(limit);
        self
    }

    /// Sets the random flag (0x02 of `traceparent`) on traces that begin in this process. The default is false.
    ///
    /// The trace-ids of this set-up are random, so the flag is true. Services that accept only the flags `00` and `01` start a new
    /// trace if it is set, for example Micrometer Tracing with Brave. It applies to the propagators that `OTEL_PROPAGATORS` names,
    /// not to one that [`propagator`](Self::propagator) sets.
    pub fn random_trace_ids(mut self, random: bool) -> Self {
        self.propagation.random_trace_ids = random;
        self
    }

    /// Chooses where spans go. Without it `OTEL_TRACES_EXPORTER` counts, then OTLP.
    pub fn traces_exporter(mut self, exporter: Exporter) -> Self {
        self.traces = Some(exporter);
        self
    }

    /// Chooses where metrics go. Without it `OTEL_METRICS_EXPORTER` counts, then OTLP.
    pub fn metrics_exporter(mut self, exporter: Exporter) -> Self {
        self.metrics = Some(exporter);
        self
    }

    /// Chooses where log records go, beside the lines. Without it `OTEL_LOGS_EXPORTER` counts, then nowhere.
    ///
    /// Needs the feature `logs`.
    #[cfg(feature = "logs")]
    pub fn logs_exporter(mut self, exporter: Exporter) -> Self {
        self.logs = Some(exporter);
        self
    }

    /// Sets the base URL of the OTLP endpoint, as `OTEL_EXPORTER_OTLP_ENDPOINT` does, for all signals.
    pub fn otlp_endpoint(mut self, url: impl Into<String>) -> Self {
        self.otlp.endpoint = Some(url.into());
        self
    }

    /// Adds a header to each export; over one of the same name in `OTEL_EXPORTER_OTLP_HEADERS`.
    pub fn otlp_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.otlp.headers.push((name.into(), value.into()));
        self
    }

    /// Sets how long an export may take with its retries. Default: `OTEL_EXPORTER_OTLP_TIMEOUT`, then 10 seconds.
    pub fn otlp_timeout(mut self, limit: Duration) -> Self {
        self.otlp.timeout = Some(limit);
        self
    }

    /// Sets how long the guard may flush when it is dropped. Default: 5 seconds.
    pub fn flush_limit(mut self, limit: Duration) -> Self {
        self.flush_limit = limit;
        self
    }

    /// Sets how often a log line may say how many spans or log records were lost. Default: once in 60 seconds.
    pub fn report_interval(mut self, interval: Duration) -> Self {
        self.report_interval = interval;
        self
    }

    /// Adds `tracing` events of INFO and above to their spans as well as to the log. Default: off.
    ///
    /// An event costs a span more than its log line costs, and the line has the ids of the span.
    pub fn span_events(mut self, span_events: bool) -> Self {
        self.span_events = span_events;
        self
    }

    /// Makes spans with the layer of tracing-opentelemetry instead of otel-tracing's. Default: otel-tracing's layer.
    ///
    /// Set it if something works with tracing-opentelemetry's layer only. A span costs almost twice as much, and three times as much in an unsampled trace.
    pub fn tracing_opentelemetry_layer(mut self) -> Self {
        self.uses_tracing_opentelemetry = true;
        self
    }

    /// Sets the list of secrets: for log lines, log records, attributes of spans, metrics and the resource, and as the list of the
    /// process also for layers and clients that have no list of their own. By default the list of the process applies.
    ///
    /// `Secrets::default().also(["iban"])` adds names. If [`redact::set_default`] was called before, its list stays that of the
    /// process.
    ///
    /// [`redact::set_default`]: otel_core::redact::set_default
    pub fn secrets(mut self, secrets: Secrets) -> Self {
        self.secrets = Some(secrets);
        self
    }

    /// Sets everything up; the guard keeps it alive.
    ///
    /// # Errors
    ///
    /// When there is no service name, when a variable cannot be used, when an exporter cannot be built, and when a
    /// `tracing` subscriber is installed already, as by an earlier set-up, which goes on as it was. Nothing is exported
    /// then, and nothing global is changed.
    pub fn init(self) -> Result<Telemetry, SetupError> {
        // Held to the end, so that of two set-ups at once one succeeds. After a failed one another may be tried.
        let mut is_set_up = IS_SET_UP.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_set_up {
            return Err(SetupError::already_set_up());
        }
        unsupported::refuse_configuration_file()?;
        let detects_loss = variable::is_true(context_loss::VARIABLE)?;
        let propagator = match self.propagator {
            Some(propagator) => propagator,
            None => propagator::from_env(self.propagation)?,
        };
        let secrets = self.secrets.clone().unwrap_or_default();
        let resource = resource::build(self.resource, &secrets)?;
        let sampler = match self.sampler {
            Some(sampler) => sampler,
            None => sampler::from_env()?,
        };
        let spans = SpanSettings {
            events: self.span_events,
            has_parent_based_sampler: span_layer::is_parent_based(&sampler),
            uses_tracing_opentelemetry: self.uses_tracing_opentelemetry,
        };
        // Whatever fails from here on, its drop ends the threads of what was built before.
        let mut telemetry = Telemetry::new(self.flush_limit);
        if !variable::is_true("OTEL_SDK_DISABLED")? {
            unsupported::refuse_settings()?;
            telemetry.meter_provider =
                metrics::provider(self.metrics, &self.otlp, resource.clone())?;
            #[cfg(feature = "logs")]
            {
                let resource = resource.clone();
                telemetry.logs = Logs::new(self.logs, &self.otlp, resource, self.report_interval)?;
            }
            #[cfg(not(feature = "logs"))]
            Exporter::choose(Signal::Logs, None)?;
            telemetry.traces = Some(Traces::new(
                self.traces,
                &self.otlp,
                sampler,
                secrets.clone(),
                resource,
                self.report_interval,
            )?);
        }
        let traces = telemetry.traces.as_ref();
        subscriber::install(
            traces.map(|traces| &traces.provider),
            spans,
            &LineSettings {
                secrets: &secrets,
                #[cfg(feature = "logs")]
                logger: telemetry.logs.as_ref().map(Logs::logger),
            },
        )?;
        if detects_loss {
            context_loss::start();
        }
        if telemetry.traces.is_some() {
            unsupported::warn_of_migrations();
        }
        if let Some(secrets) = self.secrets {
            // An earlier list of the process stays.
            let _ = redact::set_default(secrets);
        }
        // A disabled SDK still hands on what callers send.
        global::set_text_map_propagator(propagator);
        deliberate::set_propagation_chosen();
        match &telemetry.traces {
            Some(traces) => global::set_tracer_provider(traces.provider.clone()),
            None => deliberate::set_traces_off(),
        }
        if let Some(provider) = &telemetry.meter_provider {
            let provider = provider.clone();
            global::set_meter_provider(RedactingMeterProvider::new(provider, secrets));
        }
        *is_set_up = true;
        Ok(telemetry)
    }
}
