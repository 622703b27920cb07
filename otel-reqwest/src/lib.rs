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
//! Among other middlewares, [`ClientMiddleware`] goes last, so that it sees each attempt as it is sent, retries included:
//!
//! ```
//! use otel_reqwest::ClientMiddleware;
//! use reqwest_middleware::ClientBuilder;
//! use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
//!
//! let policy = ExponentialBackoff::builder().build_with_max_retries(2);
//! let client = ClientBuilder::new(reqwest::Client::new())
//!     .with(RetryTransientMiddleware::new_with_policy(policy))
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
//! ends after the response headers, or, [by option](EndAt), at the end of the body. Its attributes follow the
//! [stable HTTP conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/); user info and secret query
//! values in `url.full` are replaced by `REDACTED`.
//!
//! Attempts of one request are siblings, and from the second on have `http.request.resend_count`. A middleware that
//! resends has to stand before this one: of what it does further in only one attempt is seen, the whole.
//!
//! # What is sent along
//!
//! The global propagator writes the span's context into the request, after whatever its header fields held before has
//! been removed. [`outgoing`](ClientMiddleware::outgoing) names the hosts that are sent it, [`Propagate`] takes it from
//! one request. While telemetry is suppressed (`Context::is_telemetry_suppressed`, as in an exporter) requests pass
//! untouched.
//!
//! Redirects that reqwest follows by itself are part of one attempt, and each hop is sent the same header fields; with
//! [`ClientMiddleware::build`] each hop is an attempt. See [`Redirects`].
//!
//! # Errors
//!
//! Status ERROR and `error.type` are set together:
//!
//! | `error.type` | what happened |
//! | --- | --- |
//! | `400` … `599` | the response had that status code; `_OTHER` for one of no class |
//! | `timeout` | a time limit passed, also while connecting or, with [`EndAt::Body`], reading |
//! | `dns` | the host's name could not be resolved |
//! | `connect` | no connection, as when it is refused, or a proxy's own refusal |
//! | `tls` | the handshake failed, as for a certificate that is not trusted; with native-tls this is `connect` |
//! | `redirect` | too many redirects, or one that may not be followed |
//! | `body` | the request's body failed, or, with [`EndAt::Body`], the response's |
//! | `decode` | the response could not be decoded |
//! | `builder` | the request cannot be sent, such as one for a scheme other than HTTP |
//! | `request` | sending failed in another way, as when the connection was closed without an answer |
//! | `panic` | a middleware further in panicked; the panic goes on unwinding |
//! | `middleware` | a middleware further in failed |
//! | `_OTHER` | none of these |
//!
//! No error text is put on the span, since it may hold the URL. A request that the caller drops, or the body of one,
//! ends its span with the status unset.
//!
//! # Metrics
//!
//! `http.client.request.duration` in seconds, and by option [`http.client.active_requests`](ClientMiddleware::active_requests)
//! and [`http.client.*.body.size`](ClientMiddleware::body_sizes), for each attempt, as soon as a meter provider is set.
//! A [`MetricLabels`](otel_core::http::MetricLabels) set on the request as an extension adds attributes of one's own.
//!
//! # Features
//!
//! `metrics`, on by default: the metrics above.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod error_type;
mod final_url;
mod inject;
mod middleware;
mod redirect;
mod resend;
mod send;
mod sent;
mod sizes;

use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

pub use self::middleware::ClientMiddleware;
pub use self::redirect::{Redirects, TooManyRedirects};
pub use otel_core::client::{EndAt, Propagate, UrlTemplate};
pub use otel_core::opentelemetry;
pub use otel_core::{outgoing, predicate, span_update};

/// The guide's examples, compiled.
#[cfg(all(doctest, feature = "metrics"))]
#[doc = include_str!("../../docs/client.md")]
mod guide {}

/// Wraps a client so that every request it sends is traced.
#[must_use]
pub fn wrap(client: reqwest::Client) -> ClientWithMiddleware {
    ClientBuilder::new(client)
        .with(ClientMiddleware::new())
        .build()
}
