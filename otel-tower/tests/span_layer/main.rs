//! Requests over real sockets in subscribers with otel-tracing's layer.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod attributes;
#[path = "../support/lines.rs"]
mod captured;
mod harness;
mod lines;
mod sampler;
mod scopes;
mod status;
