//! One HTTP or gRPC exchange from head to end: its span, its metrics and its hooks, for server and client, without a framework.
//!
//! This crate is for authors of adapters. `otel-tower` and `otel-reqwest` are adapters; an adapter for another framework needs
//! only this crate. It may change with every minor version.
//!
//! # An adapter for a server
//!
//! 1. Keep one [`server::ServerOptions`] in an `Arc`.
//! 2. For each request call [`server::Exchange::open`], and run the handler with [`server::Exchange::run_first`]
//!    and [`server::Exchange::run`].
//! 3. Call [`server::Exchange::into_response`] with the response. The end of its body ends the exchange.
//! 4. If there is no response, call [`server::Exchange::finish`]. If the exchange is dropped before its end, it ends as
//!    cancelled.
//!
//! If the body is not an [`http_body::Body`], call [`server::Exchange::respond`] with the response head instead of step 3. Then
//! poll the body with [`server::Exchange::run`], report its data and trailers, and call [`server::Exchange::finish`] at its end.
//!
//! # An adapter for a client
//!
//! 1. Keep one [`client::ClientOptions`] in an `Arc`.
//! 2. For each attempt call [`client::Exchange::open`], and inject its context with [`client::ClientOptions::inject`].
//! 3. Poll the attempt with [`client::Exchange::run`].
//! 4. Call [`client::Exchange::respond`] and [`client::Exchange::finish`].
//!
//! Skipped requests ([`client::ClientOptions::skips`]) get no exchange; inject the context of [`client::parent`].
//!
//! `examples/src/bin/hyper_server.rs` in the repository is a complete adapter for a hyper service in under 80 lines.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod body_sizes;
mod callback;
pub mod client;
mod content_length;
#[doc(hidden)]
pub mod context_loss;
pub mod conventions;
mod end_at;
mod end_error;
mod ending;
mod error_names;
pub mod hooks;
mod hop;
mod kept_request;
mod metrics;
mod name_set;
mod option_methods;
mod options;
mod outcome;
mod path_redaction;
pub mod predicate;
mod recorded_text;
mod request_body;
mod response_head;
mod sampling;
pub mod server;
mod span_name;
mod text_cache;
mod text_limits;
mod traces_in_flight;

pub use self::body_sizes::BodySizes;
pub use self::content_length::content_length;
pub use self::end_at::EndAt;
pub use self::metrics::attributes::MetricAttributes;
pub use self::options::CommonOptions;
pub use self::outcome::{End, Outcome};
pub use self::path_redaction::PathRedaction;
pub use self::request_body::RequestBodyProgress;
pub use self::response_head::ResponseHead;
pub use self::text_limits::TextLimits;
pub use otel_core::{self, RequestHead, opentelemetry, redact, trust};
#[doc(hidden)]
pub use {http, tracing};

/// Compiles the guide's examples.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/adapters.md")]
mod guide {}
