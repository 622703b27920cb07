//! Traces that lack a part: one warning per process says why, and the rest of the trace is there.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/lines.rs"]
mod captured;
mod filter;
mod harness;
mod hosts;
mod layers;
mod propagator;
mod routes;
mod version;
