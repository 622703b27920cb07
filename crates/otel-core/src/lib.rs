//! Carries one request's trace across every boundary: what the server layer and the client middleware must do alike.
//!
//! Applications use it through `otel-tower`, `otel-reqwest` and `otel-setup`; what they call directly is
//!
//! - [`propagation`]: the propagators (W3C Trace Context, W3C Baggage, B3) and the header carriers,
//! - [`http`] and [`rpc`]: the semantic conventions of HTTP and gRPC as pure functions,
//! - [`error`]: one call that records an error on the current span,
//! - [`task`]: the context that survives `spawn`, threads, pools, channels and callbacks,
//! - [`process_environment`]: the context handed to child processes,
//! - [`trust`] and [`outgoing`]: whose context is taken over, and who is sent ours,
//! - [`predicate`] and [`span_update`]: which requests are meant, and what a hook changes on a span,
//! - [`watch`]: where context gets lost, seen while it happens.
//!
//! What instrumentations share is [`tracer`], [`propagator`], [`RequestHead`], [`ResponseHead`] and, with the feature `client`,
//! `client`. It depends on the APIs of
//! OpenTelemetry and `tracing`; the SDK and the subscriber are the application's choice.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "client")]
pub mod client;
pub mod error;
pub mod http;
#[cfg(feature = "metrics")]
mod instruments;
mod kept_names;
pub mod outgoing;
pub mod predicate;
pub mod process_environment;
pub mod propagation;
pub mod propagator;
mod request_head;
mod response_head;
pub mod rpc;
pub mod span_update;
pub mod task;
pub mod tracer;
pub mod trust;
pub mod watch;

pub use opentelemetry;
pub use request_head::RequestHead;
pub use response_head::ResponseHead;
