//! A line costs no allocation of the layer's own.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use std::io;

use allocation_counter::measure;
use common::{provider, span_layer_with_activation};
use tracing::{Span, error, field, info, info_span, subscriber::with_default};
use tracing_subscriber::{Layer, filter::filter_fn, layer::SubscriberExt as _, registry};

fn write_lines(other: &Span) {
    info!(
        text = "with \"quotes\"",
        count = 7_u64,
        share = 0.1_f64,
        yes = true,
        "a message of {}",
        1
    );
    info!(debug = ?Some("x"), bytes = &[1_u8, 2][..], big = u128::MAX, parent = 1, "plain");
    info!(parent: other, "elsewhere");
    info!(parent: None, error = &fmt_error() as &(dyn std::error::Error + 'static), "nowhere");
    error!("failed");
}

fn fmt_error() -> std::fmt::Error {
    std::fmt::Error
}

#[test]
fn a_line_allocates_nothing_once_warm() {
    for (activation, is_boxed) in [(true, false), (false, false), (true, true)] {
        let otel_layer = span_layer_with_activation(&provider(), activation);
        // Events cost the span layer allocations of its own.
        let otel_layer = otel_layer.with_filter(filter_fn(|metadata| metadata.is_span()));
        let lines = otel_log::layer().writer(io::sink);
        let lines: Box<dyn Layer<_> + Send + Sync> = if is_boxed {
            Box::new(lines.boxed_writer())
        } else {
            Box::new(lines)
        };
        let subscriber = registry().with(otel_layer).with(lines);
        with_default(subscriber, || {
            let other = info_span!("other", a = 1);
            let _outer = info_span!("outer", user = "ann", cart = 7).entered();
            let inner = info_span!("inner", step = %"price", later = field::Empty).entered();
            inner.record("later", 1.5);
            other.in_scope(|| ());
            write_lines(&other);
            let counted = measure(|| write_lines(&other));
            assert_eq!(
                counted.count_total, 0,
                "activation {activation}, boxed {is_boxed}"
            );
        });
    }
}
