//! The rules of distributed tracing that every part of a service shares, and what applications call directly.
//!
//! Applications use most of it through `otel-tower`, `otel-reqwest` and `otel-setup`. What they call directly:
//!
//! - [`propagation`]: the propagators (W3C Trace Context, W3C Baggage, B3) and the header carriers,
//! - [`task`]: hands the context to tasks, threads, pools, channels and callbacks,
//! - [`error`]: records an error on the current span in one call: `error::record(&error)` or `result.record_err()`,
//! - [`CurrentRequest`]: names the request that is being handled, adds attributes to its span, marks it as failed,
//! - [`trace_id()`]: the active trace id, for error bodies and support,
//! - [`process_environment`]: hands the context to child processes,
//! - [`trust`]: which callers are trusted, and which hosts receive our context,
//! - [`redact`]: which names hold secrets, and URLs without them,
//! - [`context_loss`]: detects places where a request loses its context.
//!
//! Instrumentations also use [`tracer`], [`propagator`] and [`RequestHead`].
//!
//! The crate depends on the APIs of OpenTelemetry and `tracing`. The application chooses the SDK and the subscriber.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(hidden)]
pub mod active_context;
#[doc(hidden)]
pub mod callsites;
pub mod context_loss;
#[doc(hidden)]
pub mod deliberate;
pub mod error;
#[doc(hidden)]
pub mod limits;
pub mod process_environment;
pub mod propagation;
pub mod propagator;
pub mod redact;
mod request_cell;
mod request_head;
#[doc(hidden)]
pub mod span_access;
#[doc(hidden)]
pub mod span_changes;
#[doc(hidden)]
pub mod span_fields;
pub mod task;
#[doc(hidden)]
pub mod telemetry_crates;
mod trace_id;
pub mod tracer;
pub mod trust;
mod type_path;

pub use opentelemetry;
pub use request_cell::CurrentRequest;
#[doc(hidden)]
pub use request_cell::{ActiveRequest, RequestCell, is_current_in};
pub use request_head::RequestHead;
pub use trace_id::trace_id;

/// The schema URL of the conventions that our attributes follow, for the scope of tracers and meters.
#[doc(hidden)]
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.45.0";
