//! The calls of `OpenTelemetrySpanExt` and `get_otel_context` that applications write, on the spans of this crate's layer.
//!
//! Each test is one form of call, found in public code. It runs on the spans of tracing-opentelemetry's layer too, so that
//! the assertions say what applications get today.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;
#[path = "../support/dropping.rs"]
mod dropping;
#[path = "../support/lines.rs"]
mod lines;

mod callbacks;
mod changes;
mod contexts;
mod late_parents;
mod links;
mod parents;
mod subscribers;
mod tasks;
