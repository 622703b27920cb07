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
//! 3. Call [`server::Exchange::respond`] with the response head.
//! 4. Poll the response body with [`server::Exchange::run`], and report its data and trailers.
//! 5. Call [`server::Exchange::finish`] at the end. If the exchange is dropped before, it ends as cancelled.
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
#[doc(hidden)]
pub mod context_loss;
pub mod conventions;
mod end_at;
pub mod hooks;
mod metrics;
mod name_set;
mod option_methods;
mod options;
pub mod predicate;
mod response_head;
pub mod server;
mod span_name;
mod text_cache;
mod traces_in_flight;

pub use self::body_sizes::BodySizes;
pub use self::end_at::EndAt;
pub use self::metrics::attributes::MetricAttributes;
pub use self::options::CommonOptions;
pub use self::response_head::ResponseHead;
pub use otel_core::{self, RequestHead, opentelemetry, secrets, trust};
#[doc(hidden)]
pub use {http, tracing};
