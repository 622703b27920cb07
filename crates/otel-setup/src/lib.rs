//! Sets up tracing for a service in one call: spans over OTLP, JSON log lines with the trace id, propagation.
//!
//! # Example
//!
//! ```no_run
//! fn main() -> Result<(), otel_setup::SetupError> {
//!     let _telemetry = otel_setup::init("checkout")?;
//!     tracing::info!("ready");
//!     Ok(())
//! }
//! ```
//!
//! # Variables
//!
//! What code says wins over them. Each `OTEL_EXPORTER_OTLP_…` variable exists once more for each signal, as
//! `OTEL_EXPORTER_OTLP_TRACES_…`, `OTEL_EXPORTER_OTLP_METRICS_…` and `OTEL_EXPORTER_OTLP_LOGS_…`, which win over the
//! general one. An empty value is as good as none.
//!
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | who is reporting, where code does not say | an error |
//! | `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER` | `otlp`, `console`, `none` | `otlp` |
//! | `OTEL_LOGS_EXPORTER` | the same for log records, beside the lines; feature `logs` | `none`, see below |
//! | `OTEL_EXPORTER_OTLP_ENDPOINT` | where signals go: a base URL; a signal's own URL is used as it is | `http://localhost:4318`; gRPC: `:4317` |
//! | `OTEL_EXPORTER_OTLP_PROTOCOL` | `http/protobuf`, or `grpc` with the feature `grpc` | `http/protobuf` |
//! | `OTEL_EXPORTER_OTLP_HEADERS` | `key=value,key=value`, values percent-encoded | none |
//! | `OTEL_EXPORTER_OTLP_TIMEOUT` | milliseconds for an export with its retries | 10000 |
//! | `OTEL_EXPORTER_OTLP_COMPRESSION` | `none`, or `gzip` with the feature `gzip`, over gRPC always | `none` |
//! | `OTEL_EXPORTER_OTLP_CERTIFICATE` | a PEM file of the authorities to trust, these alone; feature `tls` | the system's |
//! | `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`, `OTEL_EXPORTER_OTLP_CLIENT_KEY` | PEM files that say who we are; feature `tls` | none |
//! | `OTEL_EXPORTER_OTLP_INSECURE` | gRPC endpoints without a scheme: `true` for a plain connection | `false` |
//! | `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` | `cumulative`, `delta`, `lowmemory` | `cumulative` |
//! | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | `always_on`, `always_off`, `traceidratio` and the `parentbased_` forms | `parentbased_always_on` |
//! | `OTEL_PROPAGATORS` | a list of `tracecontext`, `baggage`, `b3`, `b3multi`, or `none` | `tracecontext,baggage` |
//! | `OTEL_SDK_DISABLED` | `true`: nothing is exported; lines are written, and the context of callers is handed on | `false` |
//! | `OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` | spans that may wait, and go out at once | 2048, 512 |
//! | `OTEL_BSP_SCHEDULE_DELAY`, `OTEL_BSP_EXPORT_TIMEOUT` | milliseconds between exports, and for one | 5000, 30000 |
//! | `OTEL_BLRP_MAX_QUEUE_SIZE`, `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE` | log records that may wait, and go out at once | 2048, 512 |
//! | `OTEL_BLRP_SCHEDULE_DELAY`, `OTEL_BLRP_EXPORT_TIMEOUT` | milliseconds between exports, and for one | 1000, 30000 |
//! | `OTEL_METRIC_EXPORT_INTERVAL`, `OTEL_METRIC_EXPORT_TIMEOUT` | milliseconds between exports, and for one | 60000, 30000 |
//! | `OTEL_METRICS_EXEMPLAR_FILTER` | `always_off`; the SDK records no exemplars | `always_off` |
//! | `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION` | `explicit_bucket_histogram`; there is no other | the same |
//! | `OTEL_ATTRIBUTE_COUNT_LIMIT` | attributes of a span or log record | 128 |
//! | `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`, `OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT` | the same for one of them, over the general one | 128 |
//! | `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` | characters of a text value of a span or log record | no limit; 16 KiB in log records |
//! | `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`, `OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT` | the same for one of them, over the general one | the same |
//! | `OTEL_SPAN_EVENT_COUNT_LIMIT`, `OTEL_SPAN_LINK_COUNT_LIMIT` | events and links of a span | 128, 128 |
//! | `OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT`, `OTEL_LINK_ATTRIBUTE_COUNT_LIMIT` | attributes of an event, of a link | 128, 128 |
//! | `OTEL_RUST_CONTEXT_LOSS_DETECTION` | `true`: each place where context gets lost is a log line (`otel_core::context_loss`) | `false` |
//! | `OTEL_SEMCONV_STABILITY_OPT_IN` | `rpc/dup`: gRPC calls have `rpc.response.status_code`, the name of version 1.44.0, besides `rpc.status_code`; `http/dup` is a WARN line: attributes of HTTP have only their stable names | |
//! | `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN` | any value is a WARN line: exceptions are recorded on their spans alone | |
//! | `OTEL_CONFIG_FILE` | refused: there are no configuration files | |
//! | `OTEL_LOG_LEVEL` | what telemetry itself writes as log lines: `none`, `error`, `warn`, `info`, `debug`, `trace`; a directive of `RUST_LOG` for `otel_setup` or `opentelemetry` wins | the reports of this crate |
//! | `RUST_LOG` | which log lines are written, and with them which log records; never which spans are made | `info` |
//!
//! What `OTEL_LOG_LEVEL` is about is this crate's reports of exports that fail, which are WARN and ERROR. OpenTelemetry's own
//! crates write nothing unless the application turns on their features `internal-logs`; from DEBUG on they may name the
//! endpoint with what its query holds.
//!
//! A value that cannot be used is an error at the start, not a warning that no one reads; but for the two that say how far
//! the migration of other services has come.
//! otel-tower and otel-reqwest read `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, and otel-tower the `rpc/dup` of
//! `OTEL_SEMCONV_STABILITY_OPT_IN`.
//!
//! # Resource
//!
//! Beside what code and variables say, the resource tells the host (`host.name`, `host.id`, `host.arch`, `os.type`), the
//! process (`process.pid`, `process.executable.name`, `process.runtime.name`, never its arguments), a random
//! `service.instance.id`, and inside Kubernetes, where `KUBERNETES_SERVICE_HOST` is set, what the pod's manifest hands in by
//! the downward API: `K8S_POD_NAME` or `POD_NAME`, `K8S_POD_UID` or `POD_UID`, `K8S_NAMESPACE_NAME` or `POD_NAMESPACE`,
//! `K8S_NODE_NAME` or `NODE_NAME`, `K8S_CONTAINER_NAME`, `K8S_DEPLOYMENT_NAME`, `K8S_CLUSTER_NAME`; and what the OpenTelemetry
//! operator sets: `OTEL_RESOURCE_ATTRIBUTES_POD_NAME`, `OTEL_RESOURCE_ATTRIBUTES_POD_UID`, `OTEL_RESOURCE_ATTRIBUTES_NODE_NAME`.
//! [`Builder::without_detected_resource`] leaves all of it out.
//!
//! # Lines of the log crate
//!
//! What libraries tell the `log` crate is a line like any other, with the ids of the span it was written in, unless the
//! application has given that crate a logger of its own before.
//!
//! # Log records
//!
//! With the feature `logs` and `OTEL_LOGS_EXPORTER=otlp`, or [`Builder::logs_exporter`](Builder#method.logs_exporter),
//! each log line is exported as a log record as well, with the same ids, the same fields and the same secrets redacted
//! (`otel_log::RecordLayer`). Unset it means `none`, where the specification says `otlp`: the lines are there anyway, and
//! where they are collected each would be stored twice.
//!
//! What telemetry says of itself is in the lines alone: the reports of this crate, what OpenTelemetry's own crates log,
//! and what HTTP, gRPC and TLS log while they export, whatever `RUST_LOG` lets through.
//!
//! # Filters
//!
//! `RUST_LOG` filters log lines and the log records that are made of them, never spans. [`span_layer`] makes spans of the `tracing`
//! spans of INFO and above, and adds no events to them. So `RUST_LOG=off` silences a service, and its traces stay complete.
//! [`Builder::tracing_opentelemetry_layer`] uses the layer of tracing-opentelemetry with the same filter.
//!
//! # Secrets
//!
//! A field whose name says that it is a secret, such as `password` or `api_token`, is `REDACTED`: in log lines, in log records,
//! and in the attributes of spans and their events when they are exported, whoever has set them. An argument of a function
//! under `#[instrument]` is such an attribute. The user info of URLs is redacted in every text. [`Builder::secrets`] adds names.
//!
//! Instruments of the global meter provider hide the same secrets in the attributes of their measurements. Measurements that differ
//! only in secrets become one time series. Instruments made with [`Telemetry::meter_provider`] export all attributes unchanged.
//!
//! # Attributes that are set twice
//!
//! The SDK appends an attribute that is set again instead of replacing it. The exporters of this crate export the last value of
//! each key, at the position of the first, for the attributes of spans, events and links. A span processor of the application
//! sees both values.
//!
//! # Bad days
//!
//! No request ever waits for an export. Spans that find the queue full are dropped, those that cannot be exported are
//! lost; both are counted, in [`Telemetry::span_counts`] and in log lines of the target `otel_setup`: one when exporting
//! begins to fail, one when it works again, and at most one a minute in between. The same holds for log records
//! (`Telemetry::log_counts`), of which the lines are left.
//!
//! # Features
//!
//! | name | what it adds | default |
//! | --- | --- | --- |
//! | `bound-instruments` | bound instruments (`Counter::bind`) of the global meter provider, an experimental feature of OpenTelemetry; without it they record nothing | no |
//! | `console` | the exporter `console` | no |
//! | `grpc` | OTLP over gRPC; needs Rust 1.88 | no |
//! | `gzip` | compression over HTTP | no |
//! | `logs` | log records over OTLP beside the log lines | no |
//! | `signal` | `shutdown_signal` and `drain`: SIGTERM in the middle of traffic | no |
//! | `tls` | `https://` endpoints and certificates | no |
//! | `tower` | [`Telemetry::flush_layer`](Telemetry#method.flush_layer), for processes that are frozen between requests | no |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod baggage_attributes;
mod batch;
mod build;
mod builder;
mod counts;
mod error;
mod export;
mod exporter;
mod flush;
#[cfg(feature = "tower")]
mod flush_body;
#[cfg(feature = "tower")]
mod flush_layer;
#[cfg(feature = "tower")]
mod flush_panic;
mod flusher;
mod install;
mod last_values;
mod ledger;
mod limits;
mod lines;
#[cfg(feature = "logs")]
mod log_limits;
#[cfg(feature = "logs")]
mod log_processor;
#[cfg(feature = "logs")]
mod logs;
mod metrics;
mod otlp;
mod processor;
mod propagator;
mod request_sampler;
mod resource;
mod sampler;
mod secret_attributes;
mod secret_metrics;
#[cfg(feature = "signal")]
mod shutdown;
mod signal;
mod span_layer;
mod start;
mod start_line;
mod telemetry;
mod traces;
mod variables;
mod warning;

pub use self::build::SetUp;
pub use self::builder::Builder;
#[cfg(feature = "logs")]
pub use self::counts::LogCounts;
pub use self::counts::SpanCounts;
pub use self::error::SetupError;
pub use self::export::{Compression, Export, Exporter, Protocol};
#[cfg(feature = "tower")]
pub use self::flush_body::FlushBody;
#[cfg(feature = "tower")]
pub use self::flush_layer::{FlushFuture, FlushLayer, FlushService};
pub use self::lines::{FilterError, FilterHandle, LineFilter, LogFormat};
pub use self::propagator::Propagator;
pub use self::request_sampler::RequestSampler;
#[cfg(feature = "signal")]
pub use self::shutdown::{drain, shutdown_signal};
pub use self::span_layer::span_layer;
pub use self::telemetry::Telemetry;
pub use self::warning::{Warning, Warnings};
pub use opentelemetry_sdk;
pub use otel_core::redact::{self, Secrets};
pub use otel_log;

/// Sets up a process under this service name, and the rest from the environment.
///
/// # Errors
///
/// As [`Builder::init`].
pub fn init(service_name: impl Into<String>) -> Result<Telemetry, SetupError> {
    builder().service_name(service_name).init()
}

/// Starts a set-up with nothing chosen yet.
pub fn builder() -> Builder {
    Builder::new()
}
