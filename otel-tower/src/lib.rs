//! Traces for axum, hyper, tonic and every other tower service and client: one layer for each side.
//!
//! # Example
//!
//! ```
//! use axum::{Router, routing::get};
//!
//! let app: Router = Router::new()
//!     .route("/users/{id}", get(|| async { "Ada" }))
//!     .layer(otel_tower::ServerLayer::new());
//! ```
//!
//! The layer reads the caller's context with the global propagator, opens the SERVER span under it and keeps it active
//! while the handler runs and while the body is sent. Inside, `tracing` spans, `#[instrument]` and the OpenTelemetry
//! API find it as their parent.
//!
//! [`ClientLayer`] is the other half, around hyper-util's client, a tonic channel, or whatever sends an `http::Request`. With
//! `.grpc()` both follow the conventions of RPC; the guide `docs/grpc-and-tower-clients.md` goes through that.
//!
//! # The SERVER span
//!
//! Where the `tracing` subscriber has an OpenTelemetry layer and lets INFO spans of the target `otel_tower` through, the
//! span is a `tracing` span as well, so `Span::current()` and `.in_current_span()` work as usual. Where it does not (a
//! level filter, no such layer, no subscriber), the span is opened through the OpenTelemetry API alone: no filter can
//! cut a trace in two. [`ServerLayer::without_tracing_span`] chooses that way always.
//!
//! Its name is the method and axum's route template, `GET /users/{id}`, or the method alone where no route matched.
//! Its attributes follow the [stable HTTP conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
//!
//! An `ERROR` event of `tracing` straight inside the SERVER's `tracing` span sets the span's status to ERROR:
//! tracing-opentelemetry does so for every span. Write it inside a span of your own where a handled error is meant.
//!
//! # When it ends
//!
//! It ends once, when the last frame or the trailers of the response body have been sent: a stream is measured to its
//! end. For `101 Switching Protocols`, and where HTTP allows no body, it ends at the response head. Status ERROR and
//! `error.type` are set together:
//!
//! | `error.type` | what happened |
//! | --- | --- |
//! | `500` … `599` | the response had that status code |
//! | `service_error` | the service returned an error instead of a response |
//! | `panic` | the service or the body panicked; the panic goes on unwinding |
//! | `body_error` | the response body failed midway |
//! | `cancelled` | the request was dropped before its end: the client went away, or a timeout outside the layer fired |
//!
//! A 4xx is the client's error and leaves the status unset. [`EndAt`] is for streams that stand open for hours.
//!
//! # More
//!
//! [`RequestSpan`] is the SERVER span for the handler and all that it calls: the place for `user.id`.
//!
//! [`ServerLayer`] has the options: whom to trust and what to skip, hooks, peers behind proxies, captured headers, response
//! headers, metrics. The guide, `docs/server.md`, goes through them.
//!
//! # Errors of a client
//!
//! | `error.type` | what happened |
//! | --- | --- |
//! | `400` … `599` | the response had that status code; `_OTHER` for one of no class |
//! | `timeout` | a time limit passed |
//! | `dns` | the host's name could not be resolved |
//! | `connect` | no connection, as when it is refused |
//! | `tls` | the handshake failed |
//! | `request` | sending failed in another way, as when the connection was closed without an answer |
//! | `panic` | what sends panicked; the panic goes on unwinding |
//! | `body` | the response's body failed, with [`ClientEndAt::Body`] |
//! | a type's name | the service's own error, of a type that is not known here |
//! | `_OTHER` | none of these, as in a box |
//!
//! A request that the caller drops, or the body of one, ends its span with the status unset; a call of gRPC with `CANCELLED`.
//!
//! # Features
//!
//! | name | what it adds | default |
//! | --- | --- | --- |
//! | `axum` | the route from axum's `MatchedPath`, the peer from its `ConnectInfo`, and [`RouteLayer`] | yes |
//! | `metrics` | `http.server.request.duration`, `http.client.request.duration`, `rpc.*.call.duration` and, by option, others; free without a meter provider | yes |
//! | `hyper-util` | the errors of hyper-util's client told apart, and its peers | no |
//! | `tonic` | the errors of tonic's channels told apart, and the peers of its server; needs Rust 1.88 | no |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod content_length;
#[cfg_attr(not(feature = "tonic"), path = "no_grpc_status.rs")]
mod grpc_status;
mod known_error;
mod server;

pub use self::client::{ClientBody, ClientFuture, ClientLayer, ClientService, ResendCount};
pub use self::server::{
    EndAt, FirstByte, RequestSpan, ResponseBody, ResponseFuture, RouteSlot, ServerLayer,
    ServerService, TraceHeader,
};
#[cfg(feature = "axum")]
pub use self::server::{RouteLayer, RouteService};
/// The guide's examples, compiled.
#[cfg(all(doctest, feature = "axum", feature = "metrics"))]
#[doc = include_str!("../../docs/server.md")]
mod guide {}
/// The guide's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/grpc-and-tower-clients.md")]
mod guide_to_grpc {}

pub use otel_core::client::{EndAt as ClientEndAt, Propagate, UrlTemplate};
pub use otel_core::opentelemetry;
pub use otel_core::{outgoing, predicate, span_update, trust};
