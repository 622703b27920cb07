//! The [stable HTTP conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
//!
//! - [`attribute`]: the attribute keys,
//! - [`KnownMethods`] and [`RequestMethod`]: `http.request.method` and `_OTHER`,
//! - [`protocol_version`]: the value of `network.protocol.version`,
//! - [`server_error_type`] and [`client_error_type`]: which status codes are errors on which side,
//! - [`HostPort`]: `server.address` and `server.port` from `Host` and `:authority`,
//! - [`HeaderCapture`]: `http.request.header.*` and `http.response.header.*`.

pub mod attribute;
mod header_capture;
mod host;
mod method;
mod status;
mod version;

pub use self::header_capture::HeaderCapture;
pub use self::host::HostPort;
pub use self::method::{KnownMethods, RequestMethod};
pub use self::status::{client_error_type, server_error_type};
pub use self::version::protocol_version;

pub use otel_core::SCHEMA_URL;
