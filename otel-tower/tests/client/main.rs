//! The client layer around hyper-util's client, against real local servers.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod attributes;
mod buffer;
mod context;
mod endings;
mod foreign_propagator;
mod harness;
mod hooks;
#[path = "../support/jaeger.rs"]
mod jaeger;
#[path = "../support/meters.rs"]
mod meters;
mod metrics;
mod proxy;
mod resends;
mod second_layer;
mod sizes;
