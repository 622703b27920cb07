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
//! | variable | meaning | default |
//! | --- | --- | --- |
//! | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | who is reporting, where code does not say | an error |
//! | `OTEL_EXPORTER_OTLP_ENDPOINT`, `…_TRACES_ENDPOINT` | where spans go | `http://localhost:4318`; gRPC: `:4317` |
//! | `OTEL_EXPORTER_OTLP_PROTOCOL`, `…_TRACES_PROTOCOL` | `http/protobuf`, or `grpc` with the feature `grpc` | `http/protobuf` |
//! | `OTEL_EXPORTER_OTLP_HEADERS`, `…_TIMEOUT` | as opentelemetry-otlp reads them | none, 10000 ms |
//! | `OTEL_TRACES_EXPORTER` | `otlp`, `none` | `otlp` |
//! | `OTEL_TRACES_SAMPLER`, `…_ARG` | `always_on`, `always_off`, `traceidratio` and the `parentbased_` forms | `parentbased_always_on` |
//! | `OTEL_PROPAGATORS` | a list of `tracecontext`, `baggage`, `b3`, `b3multi`, or `none` | `tracecontext,baggage` |
//! | `OTEL_SDK_DISABLED` | `true`: no spans; the context of callers is still handed on | `false` |
//! | `OTEL_BSP_*` | the batch processor, as the SDK reads them | 2048 spans, every 5 s |
//! | `RUST_LOG` | which log lines are written; never which spans are made | `info` |
//!
//! A value that cannot be used is an error at the start, not a warning that no one reads.
//!
//! # Filters
//!
//! `RUST_LOG` belongs to the log lines alone. The OpenTelemetry layer takes the `tracing` spans of level INFO and above
//! and no events, so `RUST_LOG=off` silences a service and leaves its traces whole.
//!
//! # Features
//!
//! | name | what it adds | default |
//! | --- | --- | --- |
//! | `grpc` | OTLP over gRPC; call [`init`] inside a tokio runtime then; needs Rust 1.88 | no |

mod builder;
mod error;
mod exporter;
mod resource;
mod sampler;
mod subscriber;
mod telemetry;
mod variable;

pub use self::builder::Builder;
pub use self::error::SetupError;
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
