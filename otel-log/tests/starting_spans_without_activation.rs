//! Logging while a span starts, under a lock of tracing-opentelemetry that cannot be taken twice.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use common::{span_layer_with_activation, starting_spans::assert_no_lock_up};

#[test]
fn logging_while_a_span_starts_does_not_lock_up() {
    assert_no_lock_up(|provider| span_layer_with_activation(provider, false));
}
