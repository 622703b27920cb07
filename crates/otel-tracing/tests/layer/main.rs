//! What the layer makes of spans and events, and its options.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod bad_days;
mod common;
mod events;
mod fields;
mod filters;
mod hand_over;
mod spans;
