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
//! The layer extracts the caller's context with the global propagator and opens the SERVER span under it. The span is active while
//! the handler runs and while the body is sent. `tracing` spans, `#[instrument]` and the OpenTelemetry API find it as their parent.
//!
//! [`ClientLayer`] is the client's side. It wraps hyper-util's client, a tonic channel, or any service that sends an
//! `http::Request`. With `.grpc()` both layers follow the conventions of RPC; see the guide `docs/grpc-and-tower-clients.md`.
//!
//! # The SERVER span
//!
//! If the `tracing` subscriber has a span layer (that of otel-tracing or of tracing-opentelemetry) and enables INFO spans of the
//! target `otel_tower`, the span is also a `tracing` span, so `Span::current()` and `.in_current_span()` work as usual. Otherwise
//! the span is opened through the OpenTelemetry API only, so a level filter never cuts a trace in two.
//! [`ServerLayer::without_tracing_span`] always opens it that way.
//!
//! With the layer of otel-tracing, the span is opened through the API with all its attributes, so a sampler sees them. The `tracing`
//! span carries its context, and has the fields `method`, `route` and `path` for other layers, such as fmt.
//!
//! Its name is the method and axum's route template, `GET /users/{id}`, or only the method if no route matched. Its attributes follow
//! the [stable HTTP conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
//!
//! With the layer of tracing-opentelemetry, an `ERROR` event of `tracing` directly inside the SERVER span's `tracing` span sets the
//! status to ERROR. For a handled error, write the event inside a span of your own. With the layer of otel-tracing, events do not
//! change the status of a SERVER span.
//!
//! # When it ends
//!
//! The span ends once, when the last frame or the trailers of the response body have been sent. A stream is measured to its end. For
//! `101 Switching Protocols`, and if HTTP allows no body, it ends at the response head. The status ERROR and `error.type` are set
//! together:
//!
//! | `error.type` | what happened |
//! | --- | --- |
//! | `500` … `599` | the response had that status code |
//! | `service_error` | the service returned an error instead of a response; [`ServerLayer::error_type`] sets another name |
//! | `panic` | the service or the body panicked; the panic continues |
//! | `body_error` | the response body failed |
//! | `cancelled` | the request was dropped before its end: the client disconnected, or a timeout outside the layer elapsed. A successful event stream has no other end, so it is not an error |
//!
//! A handler records an error of its own with [`error::record`] or [`record_err`](error::RecordError::record_err), and
//! [`error`] lists the values of `error.type` that they set.
//!
//! A 4xx is an error of the client and leaves the status unset. [`EndAt`] is for streams that stay open for hours.
//!
//! # More
//!
//! [`RequestSpan`] is the SERVER span for the handler and everything it calls: use it for `user.id`.
//!
//! [`ServerLayer`] has the options: trust, skipping, hooks, proxies, captured headers, response headers, metrics. The guide
//! `docs/server.md` explains them.
//!
//! # Errors of a client
//!
//! | `error.type` | what happened |
//! | --- | --- |
//! | `400` … `599` | the response had that status code; `_OTHER` for a code of no class |
//! | `timeout` | a timeout elapsed |
//! | `dns` | the name of the host could not be resolved |
//! | `connect` | the connection failed, for example because it was refused |
//! | `tls` | the TLS handshake failed |
//! | `request` | sending failed in another way, for example because the connection was closed without a response |
//! | `panic` | the inner service panicked; the panic continues |
//! | `body` | the response body failed, with [`EndAt::Body`] |
//! | a type's path | the service returned an error of an unknown type; a `Box`, an `Arc` or an `Option` counts as the error inside |
//! | a name of yours | [`ClientLayer::error_type`] has named the error |
//! | `_OTHER` | any other failure, for example an erased error, a text or `()` |
//!
//! The values do not depend on the features below, with one exception: without `tonic` the errors of a tonic channel are all
//! named by their type.
//!
//! If the caller drops the request or its body, the span ends with the status unset. A gRPC call ends with `CANCELLED`.
//!
//! # Metrics
//!
//! `http.server.request.duration`, `http.client.request.duration` and `rpc.*.call.duration` in seconds, and by option others. Without a
//! meter provider nothing is measured.
//!
//! # Features
//!
//! | name | what it adds | default |
//! | --- | --- | --- |
//! | `axum` | the route from axum's `MatchedPath`, the peer from its `ConnectInfo`, and [`RouteLayer`] | yes |
//! | `axum-ws` | `on_upgrade_in_context` for axum's websockets: the socket's task runs in the request's context | no |
//! | `hyper-util` | the peers of hyper-util's client, and [`ChannelPeer`] for the peers of tonic's channels | no |
//! | `tonic` | gRPC's status in tonic's errors, the kinds of errors of its channels, the peers of its server, and known methods from a descriptor set; needs Rust 1.88 | no |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod accessors;
mod client;
mod grpc_status;
mod known_error;
mod server;

pub(crate) use self::accessors::inner_accessors;
#[cfg(feature = "hyper-util")]
pub use self::client::{ChannelPeer, PeerConnector, PeerFuture};
pub use self::client::{ClientBody, ClientFuture, ClientLayer, ClientService, ResendCount};
#[cfg(feature = "axum-ws")]
pub use self::server::WebSocketUpgradeExt;
pub use self::server::{RequestSpan, ResponseFuture, ServerLayer, ServerService};
#[cfg(feature = "axum")]
pub use self::server::{RouteLayer, RouteService};
pub use otel_exchange::client::{CallParent, Propagate, UrlTemplate};
pub use otel_exchange::conventions::http::{HeaderCapture, KnownMethods};
#[cfg(feature = "tonic")]
pub use otel_exchange::conventions::rpc::DescriptorSetError;
pub use otel_exchange::otel_core::{CurrentRequest, error};
pub use otel_exchange::predicate::Predicate;
pub use otel_exchange::redact::{self, Secrets};
pub use otel_exchange::server::{
    InvalidNetwork, ResponseBody, RouteSlot, TraceHeader, TrustedProxies, XForwarded,
};
pub use otel_exchange::{
    End, EndAt, MetricAttributes, Outcome, PathRedaction, RequestHead, ResponseHead, TextLimits,
    hooks, opentelemetry, predicate, trust,
};

/// Compiles the guide's examples.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../../docs/server.md")]
mod guide {}
/// Compiles the guide's examples.
#[cfg(all(doctest, feature = "axum", unix))]
#[doc = include_str!("../../docs/proxies.md")]
mod guide_to_proxies {}
/// Compiles the guide's examples.
#[cfg(doctest)]
#[doc = include_str!("../../docs/grpc-and-tower-clients.md")]
mod guide_to_grpc {}
