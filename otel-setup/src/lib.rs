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
//! `OTEL_EXPORTER_OTLP_TRACES_…` and `OTEL_EXPORTER_OTLP_METRICS_…`, which win over the general one. An empty value is
//! as good as none.
//!
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | who is reporting, where code does not say | an error |
//! | `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER` | `otlp`, `console`, `none` | `otlp` |
//! | `OTEL_EXPORTER_OTLP_ENDPOINT` | where signals go: a base URL; a signal's own URL is used as it is | `http://localhost:4318`; gRPC: `:4317` |
//! | `OTEL_EXPORTER_OTLP_PROTOCOL` | `http/protobuf`, or `grpc` with the feature `grpc` | `http/protobuf` |
//! | `OTEL_EXPORTER_OTLP_HEADERS` | `key=value,key=value`, values percent-encoded | none |
//! | `OTEL_EXPORTER_OTLP_TIMEOUT` | milliseconds for an export with its retries | 10000 |
//! | `OTEL_EXPORTER_OTLP_COMPRESSION` | `none`, or `gzip` with the feature `gzip`, over gRPC always | `none` |
//! | `OTEL_EXPORTER_OTLP_CERTIFICATE` | a PEM file of the authorities to trust, these alone; feature `tls` | the system's |
//! | `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE`, `…_CLIENT_KEY` | PEM files that say who we are; feature `tls` | none |
//! | `OTEL_EXPORTER_OTLP_INSECURE` | gRPC endpoints without a scheme: `true` for a plain connection | `false` |
//! | `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` | `cumulative`, `delta`, `lowmemory` | `cumulative` |
//! | `OTEL_TRACES_SAMPLER`, `…_ARG` | `always_on`, `always_off`, `traceidratio` and the `parentbased_` forms | `parentbased_always_on` |
//! | `OTEL_PROPAGATORS` | a list of `tracecontext`, `baggage`, `b3`, `b3multi`, or `none` | `tracecontext,baggage` |
//! | `OTEL_SDK_DISABLED` | `true`: no spans, no metrics; the context of callers is still handed on | `false` |
//! | `OTEL_BSP_MAX_QUEUE_SIZE`, `…_MAX_EXPORT_BATCH_SIZE` | spans that may wait, and go out at once | 2048, 512 |
//! | `OTEL_BSP_SCHEDULE_DELAY`, `…_EXPORT_TIMEOUT` | milliseconds between exports, and for one | 5000, 30000 |
//! | `OTEL_METRIC_EXPORT_INTERVAL`, `…_TIMEOUT` | milliseconds between exports, and for one | 60000, 30000 |
//! | `OTEL_METRICS_EXEMPLAR_FILTER` | `always_off`; the SDK records no exemplars | `always_off` |
//! | `OTEL_ATTRIBUTE_COUNT_LIMIT`, `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT` | attributes of a span | 128 |
//! | `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`, `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT` | characters of a text value | no limit |
//! | `OTEL_SPAN_EVENT_COUNT_LIMIT`, `OTEL_SPAN_LINK_COUNT_LIMIT` | events and links of a span | 128, 128 |
//! | `OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT`, `OTEL_LINK_ATTRIBUTE_COUNT_LIMIT` | attributes of an event, of a link | 128, 128 |
//! | `OTEL_RUST_CONTEXT_LOSS_DETECTION` | `true`: each place where context gets lost is a log line (`otel_core::watch`) | `false` |
//! | `OTEL_CONFIG_FILE` | refused: there are no configuration files | |
//! | `RUST_LOG` | which log lines are written; never which spans are made | `info` |
//!
//! A value that cannot be used is an error at the start, not a warning that no one reads.
//!
//! # Resource
//!
//! Beside what code and variables say, the resource tells the host (`host.name`, `host.id`, `host.arch`, `os.type`), the
//! process (`process.pid`, `process.executable.name`, never its arguments), a random `service.instance.id`, and inside
//! Kubernetes what the pod's manifest hands in by the downward API: `K8S_POD_NAME` or `POD_NAME`, `K8S_POD_UID`,
//! `K8S_NAMESPACE_NAME` or `POD_NAMESPACE`, `K8S_NODE_NAME` or `NODE_NAME`, `K8S_CONTAINER_NAME`,
//! `K8S_DEPLOYMENT_NAME`, `K8S_CLUSTER_NAME`. [`Builder::without_detected_resource`] leaves all of it out.
//!
//! # Filters
//!
//! `RUST_LOG` belongs to the log lines alone. The OpenTelemetry layer takes the `tracing` spans of level INFO and above
//! and no events, so `RUST_LOG=off` silences a service and leaves its traces whole.
//!
//! # Bad days
//!
//! No request ever waits for an export. Spans that find the queue full are dropped, those that cannot be exported are
//! lost; both are counted, in [`Telemetry::span_counts`] and in log lines of the target `otel_setup`: one when exporting
//! begins to fail, one when it works again, and at most one a minute in between.
//!
//! # Features
//!
//! | name | what it adds | default |
//! | --- | --- | --- |
//! | `console` | the exporter `console` | no |
//! | `grpc` | OTLP over gRPC, on a runtime of its own; needs Rust 1.88 | no |
//! | `gzip` | compression over HTTP | no |
//! | `signal` | `shutdown_signal` and `drain`: SIGTERM in the middle of traffic | no |
//! | `tls` | `https://` endpoints and certificates | no |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod choice;
mod error;
mod exporter;
mod ledger;
mod limits;
mod metrics;
mod otlp;
mod processor;
mod propagator;
mod resource;
mod sampler;
#[cfg(feature = "signal")]
mod shutdown;
mod signal;
mod subscriber;
mod telemetry;
mod traces;
mod variable;

pub use self::builder::Builder;
pub use self::choice::Exporter;
pub use self::error::SetupError;
pub use self::ledger::SpanCounts;
#[cfg(feature = "signal")]
pub use self::shutdown::{drain, shutdown_signal};
pub use self::telemetry::Telemetry;

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
