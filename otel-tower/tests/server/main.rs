//! The server layer over real sockets, in each way a process can be set up.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod attributes;
mod cancelled;
mod client;
mod context;
mod corners;
mod endings;
mod foreign_propagator;
mod grpc_or_http;
mod harness;
mod hooks;
#[path = "../support/jaeger.rs"]
mod jaeger;
mod jobs;
mod layers;
mod long_texts;
#[path = "../support/meters.rs"]
mod meters;
mod nested;
mod paths;
mod policy;
mod protocols;
mod proxies;
mod random_flag;
mod recorded;
mod request_cell;
mod request_span;
mod second_layer;
mod sizes;
mod trace_headers;
mod uploads;
#[cfg(feature = "axum-ws")]
mod web_socket;
