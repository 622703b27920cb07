//! Everything that code can set.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{Instrument, Stream};
use opentelemetry_sdk::resource::ResourceDetector;
use opentelemetry_sdk::trace::{IdGenerator, ShouldSample, SpanExporter, SpanProcessor};
use otel_core::redact::Secrets;

use crate::export::{Export, Exporter, Protocol};
use crate::install::ExtraLayer;
use crate::lines::LineSettings;
#[cfg(feature = "logs")]
use crate::logs::LogSettings;
use crate::metrics::MetricSettings;
use crate::propagator::{Propagation, Propagator};
use crate::resource::ResourceSettings;
use crate::sampler::ChosenSampler;
use crate::traces::TraceSettings;

const FLUSH_LIMIT: Duration = Duration::from_secs(5);
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// Sets up a process. Made by [`builder`](crate::builder).
///
/// Code gives the default, and the environment gives the value of the deployment: a variable wins over the option of the same
/// meaning. The options whose names begin with `override_` win over the environment.
#[must_use = "a set-up does nothing until `init` or `build` is called"]
pub struct Builder {
    pub(crate) resource: ResourceSettings,
    pub(crate) propagation: Propagation,
    pub(crate) traces: TraceSettings,
    pub(crate) metrics: MetricSettings,
    #[cfg(feature = "logs")]
    pub(crate) logs: LogSettings,
    /// The export of all signals.
    pub(crate) export: Export,
    pub(crate) exports_only_if_configured: bool,
    pub(crate) flush_limit: Duration,
    pub(crate) report_interval: Duration,
    pub(crate) span_events: bool,
    pub(crate) span_filter: Option<String>,
    pub(crate) uses_tracing_opentelemetry: bool,
    pub(crate) secrets: Option<Secrets>,
    pub(crate) lines: LineSettings,
    pub(crate) has_lines: bool,
    pub(crate) default_filter: Option<String>,
    pub(crate) override_filter: Option<String>,
    pub(crate) layers: Vec<ExtraLayer>,
    pub(crate) sdk_disabled: Option<bool>,
    pub(crate) is_strict: bool,
    pub(crate) overrides: BTreeMap<String, String>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            resource: ResourceSettings::default(),
            propagation: Propagation::default(),
            traces: TraceSettings::default(),
            metrics: MetricSettings::default(),
            #[cfg(feature = "logs")]
            logs: LogSettings::default(),
            export: Export::default(),
            exports_only_if_configured: false,
            flush_limit: FLUSH_LIMIT,
            report_interval: REPORT_INTERVAL,
            span_events: false,
            span_filter: None,
            uses_tracing_opentelemetry: false,
            secrets: None,
            lines: LineSettings::default(),
            has_lines: true,
            default_filter: None,
            override_filter: None,
            layers: Vec::new(),
            sdk_disabled: None,
            is_strict: false,
            overrides: BTreeMap::new(),
        }
    }

    /// Sets the name of the service, if neither `OTEL_SERVICE_NAME` nor `service.name` in `OTEL_RESOURCE_ATTRIBUTES` names it.
    ///
    /// Without any name there is one WARN, and the name is `unknown_service:<executable>`.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.resource.service_name = Some(name.into());
        self
    }

    /// Sets the name of the service, whatever the environment says. A log line says which name of the environment is not used.
    pub fn override_service_name(mut self, name: impl Into<String>) -> Self {
        self.resource.override_service_name = Some(name.into());
        self
    }

    /// Adds an attribute of the resource, such as `service.version`.
    ///
    /// It wins over detected attributes. An attribute of the same name in `OTEL_RESOURCE_ATTRIBUTES` wins over it.
    pub fn resource(mut self, attribute: KeyValue) -> Self {
        self.resource.attributes.push(attribute);
        self
    }

    /// Adds a detector of resource attributes. It runs once, while the process is set up.
    ///
    /// Its attributes win over what otel-setup detects.
    pub fn resource_detector(mut self, detector: impl ResourceDetector + Send + 'static) -> Self {
        self.resource.detectors.push(Box::new(detector));
        self
    }

    /// Leaves out what otel-setup detects: the host, the process, the container, the Kubernetes pod, and a random
    /// `service.instance.id`.
    pub fn without_detected_resource(mut self) -> Self {
        self.resource.is_detected = false;
        self
    }

    /// Sets which traces are recorded, if `OTEL_TRACES_SAMPLER` is not set. Default: follow the caller, and record roots.
    ///
    /// The sampler is put inside [`RequestSampler`](crate::RequestSampler), so that a request can ask for a decision of its own.
    pub fn sampler(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.traces.sampler = Some(ChosenSampler::new(sampler));
        self
    }

    /// Sets which traces are recorded, whatever `OTEL_TRACES_SAMPLER` says.
    pub fn override_sampler(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.traces.override_sampler = Some(ChosenSampler::new(sampler));
        self
    }

    /// Adds a span processor. It sees each recorded span before the exporters, in the order of the calls.
    pub fn span_processor(mut self, processor: impl SpanProcessor + 'static) -> Self {
        self.traces.add_processor(processor);
        self
    }

    /// Adds an exporter of spans, next to those of `OTEL_TRACES_EXPORTER`.
    ///
    /// It has a queue of its own, with the same limits, redaction, reports and flush as the OTLP exporter.
    /// [`traces_exporter(Exporter::None)`](Self::traces_exporter) leaves only this one.
    pub fn span_exporter(mut self, exporter: impl SpanExporter + 'static) -> Self {
        self.traces.add_exporter(exporter);
        self
    }

    /// Sets what generates the ids of traces and spans. Default: random ids.
    pub fn id_generator(mut self, generator: impl IdGenerator + 'static) -> Self {
        self.traces.set_id_generator(generator);
        self
    }

    /// Adds these entries of the baggage to spans as attributes, and to log lines as fields. Further calls add more.
    ///
    /// The entries are those of the parent when the span starts, and those of the context when the line is written. Callers can set
    /// baggage, unless the server layer does not trust theirs: list only keys that may be recorded. A value is cut after 1,024 bytes.
    pub fn baggage_keys<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        for key in keys {
            let key = key.into();
            self.lines.baggage_keys.push(key.clone());
            self.traces.baggage_keys.push(key);
        }
        self
    }

    /// Sets how context travels, if `OTEL_PROPAGATORS` is not set. Default: W3C Trace Context and Baggage.
    pub fn propagator(
        mut self,
        propagator: impl TextMapPropagator + Send + Sync + 'static,
    ) -> Self {
        self.propagation.propagator = Some(Propagator::new(propagator));
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

    /// Sets where spans go, if `OTEL_TRACES_EXPORTER` is not set. Default: OTLP.
    pub fn traces_exporter(mut self, exporter: Exporter) -> Self {
        self.traces.exporter = Some(exporter);
        self
    }

    /// Sets where metrics go, if `OTEL_METRICS_EXPORTER` is not set. Default: OTLP.
    pub fn metrics_exporter(mut self, exporter: Exporter) -> Self {
        self.metrics.exporter = Some(exporter);
        self
    }

    /// Sets where log records go in addition to the lines, if `OTEL_LOGS_EXPORTER` is not set. Default: nowhere.
    ///
    /// Needs the feature `logs`.
    #[cfg(feature = "logs")]
    pub fn logs_exporter(mut self, exporter: Exporter) -> Self {
        self.logs.exporter = Some(exporter);
        self
    }

    /// Exports a signal over OTLP only if an endpoint is set for it, by a variable or by code. By default the endpoint is
    /// `localhost`.
    ///
    /// It is for programs that their users run: without a collector nothing is exported, and no line says that an export failed.
    pub fn export_if_configured(mut self) -> Self {
        self.exports_only_if_configured = true;
        self
    }

    /// Sets the export of all signals. Options of an earlier call, and of the methods that begin with `otlp_`, are replaced.
    pub fn export(mut self, export: Export) -> Self {
        self.export = export;
        self
    }

    /// Sets the export of spans. It wins over [`export`](Self::export).
    pub fn traces_export(mut self, export: Export) -> Self {
        self.traces.export = export;
        self
    }

    /// Sets the export of metrics. It wins over [`export`](Self::export).
    pub fn metrics_export(mut self, export: Export) -> Self {
        self.metrics.export = export;
        self
    }

    /// Sets the export of log records. It wins over [`export`](Self::export). Needs the feature `logs`.
    #[cfg(feature = "logs")]
    pub fn logs_export(mut self, export: Export) -> Self {
        self.logs.export = export;
        self
    }

    /// Sets the base URL of the OTLP endpoint for all signals, if `OTEL_EXPORTER_OTLP_ENDPOINT` is not set.
    pub fn otlp_endpoint(mut self, url: impl Into<String>) -> Self {
        self.export = self.export.endpoint(url);
        self
    }

    /// Sets the transport of all signals, if `OTEL_EXPORTER_OTLP_PROTOCOL` is not set. Default: [`Protocol::HttpProtobuf`].
    pub fn otlp_protocol(mut self, protocol: Protocol) -> Self {
        self.export = self.export.protocol(protocol);
        self
    }

    /// Adds a header to each export. A header of the same name in `OTEL_EXPORTER_OTLP_HEADERS` wins.
    pub fn otlp_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.export = self.export.header(name, value);
        self
    }

    /// Limits the time of an export with its retries, if `OTEL_EXPORTER_OTLP_TIMEOUT` is not set. Default: 10 seconds.
    pub fn otlp_timeout(mut self, limit: Duration) -> Self {
        self.export = self.export.timeout(limit);
        self
    }

    /// Adds a view: it sets name, buckets, attributes or cardinality of the instruments for which it returns a stream.
    pub fn view(
        mut self,
        view: impl Fn(&Instrument) -> Option<Stream> + Send + Sync + 'static,
    ) -> Self {
        self.metrics.add_view(view);
        self
    }

    /// Adds a reader of metrics, next to those of `OTEL_METRICS_EXPORTER`.
    ///
    /// [`metrics_exporter(Exporter::None)`](Self::metrics_exporter) leaves only this one.
    pub fn metric_reader(mut self, reader: impl MetricReader) -> Self {
        self.metrics.add_reader(reader);
        self
    }

    /// Limits how long a flush may take: when the guard is dropped, in [`Telemetry::flush`](crate::Telemetry::flush), and
    /// in the flush layer. Default: 5 seconds.
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

    /// Sets which `tracing` spans become OpenTelemetry spans, by directives such as `info,shop::sql=debug`. Default: `info`.
    ///
    /// Below INFO, spans of the targets `h2`, `hyper`, `tonic` and `tower` need a directive of their own. Directives that cannot be
    /// parsed are a warning, and the default is used. `RUST_LOG` never affects spans.
    pub fn span_filter(mut self, directives: impl Into<String>) -> Self {
        self.span_filter = Some(directives.into());
        self
    }

    /// Makes spans with the layer of tracing-opentelemetry instead of otel-tracing's. Default: otel-tracing's layer.
    ///
    /// Set it if something works only with tracing-opentelemetry's layer. A span costs almost twice as much, and three times as much
    /// in an unsampled trace. It applies to [`init`](Self::init) only.
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

    /// Sets whether nothing is exported, if `OTEL_SDK_DISABLED` is not set. Default: `false`.
    ///
    /// Log lines are still written, and the context of callers is still propagated.
    pub fn sdk_disabled(mut self, disabled: bool) -> Self {
        self.sdk_disabled = Some(disabled);
        self
    }

    /// Sets a variable for this set-up, whatever the environment says. It applies to the variables of the table in the
    /// [crate's docs](crate#variables). A variable of one signal in the environment still wins over an override for all signals.
    ///
    /// ```
    /// let builder = otel_setup::builder()
    ///     .override_variable("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
    /// # drop(builder);
    /// ```
    pub fn override_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.overrides.insert(name.into(), value.into());
        self
    }

    /// Makes each warning an error, for a test of the configuration. `OTEL_RUST_STRICT=true` does the same.
    pub fn strict(mut self) -> Self {
        self.is_strict = true;
        self
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("resource", &self.resource)
            .field("traces", &self.traces)
            .field("metrics", &self.metrics)
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}
