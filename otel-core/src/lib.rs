//! Carries one request's trace across every boundary: what the server layer and the client middleware must do alike.
//!
//! Applications use it through `otel-tower`, `otel-reqwest` and `otel-setup`; what they call directly is
//!
//! - [`propagation`]: the propagators (W3C Trace Context, W3C Baggage, B3) and the header carriers,
//! - [`http`]: the HTTP semantic conventions as pure functions,
//! - [`error`]: one call that records an error on the current span.
//!
//! What instrumentations share is [`tracer`], [`propagator`] and [`RequestHead`]. It depends on the OpenTelemetry API
//! alone; the SDK is the application's choice.

pub mod error;
pub mod http;
pub mod propagation;
pub mod propagator;
mod request_head;
pub mod tracer;

pub use opentelemetry;
pub use request_head::RequestHead;
