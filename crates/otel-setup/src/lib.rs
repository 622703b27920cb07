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
//! Code gives the default, and the environment gives the value of the deployment. So a variable wins over the option of the same
//! meaning, and only the options whose names begin with `override_` win over a variable. Each `OTEL_EXPORTER_OTLP_…` variable without
//! `METRICS` exists again for each signal, as `OTEL_EXPORTER_OTLP_TRACES_…`, `OTEL_EXPORTER_OTLP_METRICS_…` and
//! `OTEL_EXPORTER_OTLP_LOGS_…`. The variable of the signal wins over the general one. An empty value counts as unset.
//!
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `OTEL_SERVICE_NAME` | the name of the service, over `service.name` in `OTEL_RESOURCE_ATTRIBUTES` | the name that code gives |
//! | `OTEL_RESOURCE_ATTRIBUTES` | attributes of the resource: `key=value,key=value`, percent-encoded | |
//! | `OTEL_SDK_DISABLED` | `true`: nothing is exported. Lines are written, and the context of callers is propagated | `false` |
//! | `OTEL_PROPAGATORS` | a list of `tracecontext`, `baggage`, `b3`, `b3multi`, or `none` | `tracecontext,baggage` |
//! | `OTEL_TRACES_SAMPLER` | `always_on`, `always_off`, `traceidratio`, `parentbased_always_on`, `parentbased_always_off`, `parentbased_traceidratio` | `parentbased_always_on` |
//! | `OTEL_TRACES_SAMPLER_ARG` | the ratio of the two ratio samplers, from 0 to 1 | `1.0` |
//! | `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER` | a list of `otlp` and `console` (feature `console`), or `none` | `otlp` |
//! | `OTEL_LOGS_EXPORTER` | the same for log records, in addition to the lines. Needs the feature `logs` | `none`, [see below](#log-records) |
//! | `OTEL_EXPORTER_OTLP_ENDPOINT` | the base URL. The URL of a signal is used as it is | `http://localhost:4318`, with gRPC `http://localhost:4317` |
//! | `OTEL_EXPORTER_OTLP_PROTOCOL` | `http/protobuf`, or `grpc` (feature `grpc`) | `http/protobuf` |
//! | `OTEL_EXPORTER_OTLP_HEADERS` | `key=value,key=value`, values percent-encoded | |
//! | `OTEL_EXPORTER_OTLP_TIMEOUT` | milliseconds for an export with its retries. 0 means no limit | `10000` |
//! | `OTEL_EXPORTER_OTLP_COMPRESSION` | `none` or `gzip`. Over HTTP, gzip needs the feature `gzip` | `none` |
//! | `OTEL_EXPORTER_OTLP_CERTIFICATE` | a PEM file with the only authorities to trust. Needs the feature `tls` | those of the system |
//! | `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`, `OTEL_EXPORTER_OTLP_CLIENT_KEY` | PEM files that identify this service. Needs the feature `tls` | |
//! | `OTEL_EXPORTER_OTLP_INSECURE` | for gRPC endpoints without a scheme: `true` for a connection without TLS | `false` |
//! | `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` | `cumulative`, `delta`, `lowmemory` | `cumulative` |
//! | `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION` | `explicit_bucket_histogram`, `base2_exponential_bucket_histogram` | `explicit_bucket_histogram` |
//! | `OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BLRP_MAX_QUEUE_SIZE` | how many spans or log records may wait, up to 1,000,000 | `2048` |
//! | `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE` | how many spans or log records an export has, up to the size of the queue | `512` |
//! | `OTEL_BSP_SCHEDULE_DELAY` | milliseconds between two exports of spans, more than 0 | `5000` |
//! | `OTEL_BLRP_SCHEDULE_DELAY` | milliseconds between two exports of log records, more than 0 | `1000` |
//! | `OTEL_METRIC_EXPORT_INTERVAL` | milliseconds between two exports of metrics, more than 0 | `60000` |
//! | `OTEL_BSP_EXPORT_TIMEOUT`, `OTEL_BLRP_EXPORT_TIMEOUT`, `OTEL_METRIC_EXPORT_TIMEOUT` | milliseconds for an export. 0 means no limit. The shorter of this and `OTEL_EXPORTER_OTLP_TIMEOUT` applies | `30000` |
//! | `OTEL_METRICS_EXEMPLAR_FILTER` | `always_off`. The SDK records no exemplars | `always_off` |
//! | `OTEL_ATTRIBUTE_COUNT_LIMIT` | attributes of a span or log record | `128` |
//! | `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`, `OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT` | the same for one of them | the general limit |
//! | `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` | characters of a text value of a span or log record | no limit; 16 KiB in log records |
//! | `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`, `OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT` | the same for one of them | the general limit |
//! | `OTEL_SPAN_EVENT_COUNT_LIMIT`, `OTEL_SPAN_LINK_COUNT_LIMIT` | events and links of a span | `128` |
//! | `OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT`, `OTEL_LINK_ATTRIBUTE_COUNT_LIMIT` | attributes of an event and of a link | `128` |
//! | `RUST_LOG` | which log lines are written, and with them which log records. It never affects spans | [`Builder::default_filter`], then `info` |
//! | `OTEL_LOG_LEVEL` | the level of telemetry's own lines: `none`, `error`, `warn`, `info`, `debug`, `trace` | [see below](#lines-about-telemetry) |
//! | `OTEL_RUST_LOG_FORMAT` | `pretty` (text for people) or `json` | `pretty` on a terminal, `json` otherwise |
//! | `OTEL_RUST_CONTEXT_LOSS_DETECTION` | `true`: each place where context is lost is a log line (`otel_core::context_loss`) | `false` |
//! | `OTEL_RUST_STRICT` | `true`: each warning of the set-up is an error | `false` |
//!
//! Exports use the proxy that `HTTP_PROXY`, `HTTPS_PROXY` or `ALL_PROXY` names, and obey `NO_PROXY`. Endpoints on this machine are
//! reached directly. The query of an endpoint stays: `http://h:4318/otlp?tenant=a` posts to `/otlp/v1/traces?tenant=a`.
//!
//! A value that cannot be used is a WARN line with the variable, the value, and what is used instead. The service starts. Only
//! endpoints, headers and certificates are errors, because with another value data would go to the wrong place or without its key.
//! [`Builder::strict`] makes each warning an error.
//!
//! These variables of the specification change nothing, and setting one is a WARN line too:
//!
//! | variable | why |
//! | --- | --- |
//! | `OTEL_CONFIG_FILE`, `OTEL_EXPERIMENTAL_CONFIG_FILE` | configuration files are not supported |
//! | `OTEL_ENTITIES` | entities are not supported |
//! | `OTEL_EXPORTER_ZIPKIN_ENDPOINT`, `OTEL_EXPORTER_ZIPKIN_TIMEOUT`, `OTEL_EXPORTER_ZIPKIN_PROTOCOL` | there is no Zipkin exporter |
//! | `OTEL_EXPORTER_PROMETHEUS_HOST`, `OTEL_EXPORTER_PROMETHEUS_PORT` | there is no Prometheus exporter |
//! | `OTEL_EXPORTER_OTLP_SPAN_INSECURE`, `OTEL_EXPORTER_OTLP_METRIC_INSECURE` | obsolete names |
//! | `OTEL_SEMCONV_STABILITY_OPT_IN` | only `http/dup`: attributes of HTTP have only their stable names |
//! | `OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN` | exceptions are recorded only on their spans |
//!
//! otel-tower and otel-reqwest read `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`, and otel-tower the `rpc/dup` of
//! `OTEL_SEMCONV_STABILITY_OPT_IN`: gRPC calls then have `rpc.response.status_code`, the name of version 1.44.0, in addition to
//! `rpc.status_code`.
//!
//! # Your own parts
//!
//! Each part can be replaced without losing the others: see [`Builder`]. [`Builder::build`] installs nothing and returns the parts,
//! for a program with a subscriber of its own. The guide `docs/set-up.md` has an example of each.
//!
//! # Resource
//!
//! In addition to what code and variables set, the resource describes:
//!
//! - the host: `host.name`, `host.id`, `host.arch`, `os.type`,
//! - the container: `container.id`, on Linux, if the kernel's files name the container. With containerd on cgroup v2 they
//!   usually do not,
//! - the process: `process.pid`, `process.creation.time` (Linux), `process.runtime.name`, `.version` and `.description` (the
//!   compiler), `process.executable.name` and `.build_id.htlhash`. The command line is never read, since arguments contain passwords,
//! - the instance: a random `service.instance.id`,
//! - the pod, if `KUBERNETES_SERVICE_HOST` is set: the namespace from the service account's file, and what the manifest passes on
//!   by the downward API: `K8S_POD_NAME` or `POD_NAME`, `K8S_POD_UID` or `POD_UID`, `K8S_NAMESPACE_NAME` or `POD_NAMESPACE`
//!   (which win over the file), `K8S_NODE_NAME` or `NODE_NAME`, `K8S_CONTAINER_NAME`, `K8S_DEPLOYMENT_NAME`, `K8S_CLUSTER_NAME`;
//!   the OpenTelemetry operator sets `OTEL_RESOURCE_ATTRIBUTES_POD_NAME`, `OTEL_RESOURCE_ATTRIBUTES_POD_UID` and
//!   `OTEL_RESOURCE_ATTRIBUTES_NODE_NAME`.
//!
//! [`Builder::without_detected_resource`] leaves all of it out.
//!
//! # Lines about telemetry
//!
//! When the set-up is installed, one INFO line of the target `otel_setup` says what is in force: the name of the service, where each
//! signal goes, the sampler, the propagators, the filters, and the format of lines. Warnings and reports of failed exports are WARN
//! and ERROR lines of the same target. Their field `event.name` is the name of a section in `docs/troubleshooting.md`.
//!
//! `OTEL_LOG_LEVEL` sets the level of these lines, and of those of OpenTelemetry's own crates, which are off by default. A directive
//! of `RUST_LOG` that names such a crate wins. OpenTelemetry's own crates write nothing unless the application enables their feature
//! `internal-logs`. From DEBUG on they may write the endpoint with its query.
//!
//! # Lines of the log crate
//!
//! Records of the `log` crate become lines with the ids of their span, unless the application has set a logger for that crate before.
//!
//! # Log records
//!
//! With the feature `logs` and `OTEL_LOGS_EXPORTER=otlp`, or [`Builder::logs_exporter`](Builder#method.logs_exporter), each log line
//! is exported as a log record too, with the same ids, the same fields and the same secrets redacted (`otel_log::RecordLayer`). The
//! default is `none`, and that of the specification is `otlp`: if the lines are collected too, each would be stored twice.
//!
//! Lines about telemetry are not exported: the reports of this crate, what OpenTelemetry's own crates log, and what HTTP, gRPC and TLS
//! log during an export, whatever `RUST_LOG` says.
//!
//! # Filters
//!
//! `RUST_LOG` filters log lines and the log records that are made of them, never spans. [`span_layer`] makes spans of the `tracing`
//! spans of INFO and above ([`Builder::span_filter`] changes this), and adds no events to them. So `RUST_LOG=off` silences a service,
//! and its traces stay complete. [`Telemetry::filter_handle`] changes the filter of lines at run time.
//! [`Builder::tracing_opentelemetry_layer`] uses the layer of tracing-opentelemetry with the same filter.
//!
//! # Secrets
//!
//! A field whose name says that it is a secret, such as `password` or `api_token`, becomes `REDACTED` in log lines, in log records, and
//! in the exported attributes of spans and their events, whatever code has set them. An argument of a function under `#[instrument]`
//! is such an attribute. The user info of URLs is redacted in every text. [`Builder::secrets`] adds names.
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
//! # Failures
//!
//! No request waits for an export. Spans that find the queue full are dropped, and spans whose export fails are lost. Both are counted
//! in [`Telemetry::span_counts`] and reported in log lines: one line when exports begin to fail, one when they work again, and at most
//! one per minute in between. The same holds for log records (`Telemetry::log_counts`), whose lines are written in any case.
//!
//! # Features
//!
//! | name | what it adds | default |
//! | --- | --- | --- |
//! | `bound-instruments` | bound instruments (`Counter::bind`) of the global meter provider, an experimental feature of OpenTelemetry; without it they record nothing | no |
//! | `console` | the exporter `console` | no |
//! | `grpc` | OTLP over gRPC; needs Rust 1.88 | no |
//! | `gzip` | compression over HTTP | no |
//! | `logs` | log records over OTLP in addition to the log lines | no |
//! | `signal` | `shutdown_signal` and `drain`: SIGTERM during requests | no |
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
mod fan_out;
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
mod line_options;
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
mod program_processor;
mod propagator;
mod request_sampler;
mod resource;
mod sampler;
mod secret_attributes;
mod secret_metrics;
#[cfg(feature = "signal")]
mod shutdown;
mod signal;
mod signal_context;
mod span_layer;
mod start;
mod start_line;
mod telemetry;
#[cfg(test)]
#[path = "../tests/support/environment.rs"]
#[allow(dead_code, reason = "shared with the integration tests")]
mod test_environment;
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

/// Sets up a process. The name of the service is used if the environment names none. The rest is read from the environment.
///
/// # Errors
///
/// As [`Builder::init`].
pub fn init(service_name: impl Into<String>) -> Result<Telemetry, SetupError> {
    builder().service_name(service_name).init()
}

/// Returns a set-up with the default of each option.
pub fn builder() -> Builder {
    Builder::new()
}
