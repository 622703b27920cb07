//! HTTP semantic conventions as pure functions, the same for server and client.
//!
//! They follow the [stable HTTP conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/) of OpenTelemetry:
//!
//! - [`attribute`]: the keys,
//! - [`KnownMethods`] and [`span_name`]: `http.request.method`, `_OTHER`, and the name of a span,
//! - [`protocol_version`][]: `network.protocol.version`,
//! - [`server_error_type`] and [`client_error_type`]: which status codes are errors, and on which side,
//! - [`Redaction`]: user info and secret query values out of URLs,
//! - [`HostPort`]: `server.address` and `server.port` out of `Host` and `:authority`,
//! - [`Origin`] and [`TrustedProxies`]: `client.address`, `url.scheme` and host out of `Forwarded` and `X-Forwarded-*`,
//! - [`HeaderCapture`]: `http.request.header.*` and `http.response.header.*`,
//! - `HttpMetrics` and `MetricLabels` (feature `metrics`): the instruments, and attributes by request.

pub mod attribute;
mod cidr;
mod field_list;
mod forwarded;
mod header_capture;
mod host;
mod method;
#[cfg(feature = "metrics")]
mod metric_labels;
#[cfg(feature = "metrics")]
mod metrics;
mod origin;
mod redact;
mod sensitive_header;
mod span_name;
mod status;
mod trusted_proxies;
mod version;

pub use self::cidr::{Cidr, CidrError};
pub use self::header_capture::HeaderCapture;
pub use self::host::HostPort;
pub use self::method::{KnownMethods, RequestMethod};
#[cfg(feature = "metrics")]
pub use self::metric_labels::MetricLabels;
#[cfg(feature = "metrics")]
pub use self::metrics::{HttpInstruments, HttpMetrics};
pub use self::origin::Origin;
pub use self::redact::Redaction;
pub use self::span_name::{kept_span_name, span_name};
pub use self::status::{client_error_type, server_error_type};
pub use self::trusted_proxies::TrustedProxies;
pub use self::version::protocol_version;

/// The version of the conventions that the attributes follow, for the scope of tracers and meters.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";
