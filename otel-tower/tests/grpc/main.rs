//! gRPC over real sockets: tonic's server and channel, both traced.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod channels;
mod client;
mod codes;
mod endings;
mod harness;
mod hooks;
mod metadata;
#[path = "../support/meters.rs"]
mod meters;
mod methods;
mod metrics;
mod or_http;
mod service;
mod streams;
mod tls;
