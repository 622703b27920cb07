//! Traces for reqwest: one CLIENT span per attempt, its context in the request headers.
//!
//! # Example
//!
//! ```
//! let client = otel_reqwest::wrap(reqwest::Client::new());
//! # fn ready(_: reqwest_middleware::ClientWithMiddleware) {}
//! # ready(client);
//! ```
//!
//! Among other middlewares, [`ClientMiddleware`] goes last, so that it sees each attempt as it is sent:
//!
//! ```
//! use otel_reqwest::ClientMiddleware;
//! use reqwest_middleware::ClientBuilder;
//!
//! let client = ClientBuilder::new(reqwest::Client::new())
//!     .with(ClientMiddleware::new())
//!     .build();
//! # fn ready(_: reqwest_middleware::ClientWithMiddleware) {}
//! # ready(client);
//! ```
//!
//! # The span
//!
//! Its parent is the active OpenTelemetry context, or, where that holds no span, the current `tracing` span. It is
//! opened through the OpenTelemetry API alone, so no level filter reaches it. It starts before the request is sent and
//! ends after the response headers; reading the body is outside. Its attributes follow the
//! [stable HTTP conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/); user info and secret query
//! values in `url.full` are replaced by `REDACTED`.
//!
//! The global propagator writes the span's context into the request, after whatever its header fields held before has
//! been removed. While telemetry is suppressed (`Context::is_telemetry_suppressed`, as in an exporter) requests pass
//! untouched.
//!
//! Redirects are followed by reqwest inside one attempt: `url.full` is the URL as first asked.
//!
//! # Errors
//!
//! Status ERROR and `error.type` are set together:
//!
//! | `error.type` | what happened |
//! | --- | --- |
//! | `400` … `599` | the response had that status code |
//! | `timeout` | a time limit passed, also while connecting |
//! | `connect` | no connection: refused, no such host, TLS |
//! | `redirect` | too many redirects, or a loop |
//! | `body`, `decode` | the request body failed, or the response could not be decoded |
//! | `request` | sending failed in another way |
//! | `middleware` | a middleware further in failed |
//! | `_OTHER` | none of these |
//!
//! No error text is put on the span, since it may hold the URL. A request that the caller drops ends its span with the
//! status unset.

mod attributes;
mod config;
mod error_type;
mod middleware;
mod span;

use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

pub use self::middleware::ClientMiddleware;
pub use otel_core::opentelemetry;

/// Wraps a client so that every request it sends is traced.
#[must_use]
pub fn wrap(client: reqwest::Client) -> ClientWithMiddleware {
    ClientBuilder::new(client)
        .with(ClientMiddleware::new())
        .build()
}
