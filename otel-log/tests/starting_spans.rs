//! Logging while a span starts, with the span layer of the test run.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use common::{span_layer, starting_spans::assert_no_lock_up};

#[test]
fn logging_while_a_span_starts_does_not_lock_up() {
    assert_no_lock_up(span_layer);
}
