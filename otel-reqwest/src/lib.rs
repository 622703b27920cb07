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
//! Among several middlewares, add [`ClientMiddleware`] last, so that it sees each attempt, including retries:
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
//! Its parent is the active OpenTelemetry context, or the current `tracing` span if no span is active there. It is opened through
//! the OpenTelemetry API only, so no level filter hides it. It starts before the request is sent and ends after the response head,
//! or, [by option](EndAt), at the end of the body. Its attributes follow the
//! [stable HTTP conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/). User info and secret query values in
//! `url.full` are replaced with `REDACTED`.
//!
//! The parent is the active span. If another task sends the request, put a [`CallParent`] into its extensions.
//!
//! Attempts of one request are siblings. From the second attempt on they have `http.request.resend_count`. A middleware that
//! retries must come before this one. Otherwise all its attempts are one span.
//!
//! # What is injected
//!
//! The global propagator injects the span's context into the request. The previous values of its header fields are removed.
//! [`outgoing`](ClientMiddleware::outgoing) sets which hosts receive it, [`Propagate`] restricts one request. While telemetry is
//! suppressed (`Context::is_telemetry_suppressed`, as in an exporter) requests pass unchanged.
//!
//! Redirects that reqwest follows itself are part of one attempt, and each hop receives the same header fields. With
//! [`ClientMiddleware::build`] each hop is an attempt. See [`Redirects`].
//!
//! # Errors
//!
//! The status ERROR and `error.type` are set together:
//!
//! | `error.type` | what happened |
//! | --- | --- |
//! | `400` … `599` | the response had that status code; `_OTHER` for a code of no class |
//! | `timeout` | a timeout elapsed, also while connecting or, with [`EndAt::Body`], reading |
//! | `dns` | the name of the host could not be resolved |
//! | `connect` | the connection failed, for example because the host or a proxy refused it |
//! | `tls` | the TLS handshake failed, for example because a certificate is not trusted |
//! | `redirect` | too many redirects, or a redirect that must not be followed |
//! | `body` | the request body failed, or, with [`EndAt::Body`], the response body |
//! | `decode` | the response could not be decoded |
//! | `builder` | the request cannot be sent, for example because its scheme is not HTTP |
//! | `request` | sending failed in another way, for example because the connection was closed without a response |
//! | `panic` | an inner middleware panicked; the panic continues |
//! | `middleware` | an inner middleware failed |
//! | `_OTHER` | any other failure |
//! | a name of yours | [`ClientMiddleware::error_type`] has named the error |
//!
//! The values do not depend on the features of reqwest.
//!
//! No error text is recorded, because it may contain the URL. If the caller drops the request or its body, the span ends with the
//! status unset.
//!
//! # Metrics
//!
//! `http.client.request.duration` in seconds for each attempt, and by option
//! [`http.client.active_requests`](ClientMiddleware::active_requests) and
//! [`http.client.*.body.size`](ClientMiddleware::body_sizes). Without a meter provider nothing is measured. A [`MetricAttributes`] in
//! the request's extensions adds attributes.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
mod current_attempt;
mod error_type;
mod inject;
mod middleware;
mod redirect;
mod resend;
mod send;
mod sizes;

use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

pub use self::middleware::ClientMiddleware;
pub use self::redirect::{Redirects, TooManyRedirects};
pub use otel_exchange::client::{CallParent, Propagate, UrlTemplate};
pub use otel_exchange::conventions::http::{HeaderCapture, KnownMethods};
pub use otel_exchange::predicate::Predicate;
pub use otel_exchange::redact::{self, Secrets};
pub use otel_exchange::{
    End, EndAt, MetricAttributes, Outcome, PathRedaction, RequestHead, ResponseHead, TextLimits,
    hooks, opentelemetry, predicate, trust,
};

/// Compiles the guide's examples.
#[cfg(doctest)]
#[doc = include_str!("../../docs/client.md")]
mod guide {}

/// Wraps a client so that every request it sends is traced.
#[must_use]
pub fn wrap(client: reqwest::Client) -> ClientWithMiddleware {
    ClientBuilder::new(client)
        .with(ClientMiddleware::new())
        .build()
}
