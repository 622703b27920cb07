//! What must hold for all bytes that a stranger can send, one module for each fuzz target.
//!
//! A check panics where its property is broken. It is called by libFuzzer, or by the program `seeded` where that cannot
//! be built.

#![forbid(unsafe_code)]

pub mod b3;
pub mod baggage;
pub mod forwarded;
pub mod grpc;
mod headers;
pub mod secrets;
pub mod traceparent;
pub mod tracestate;

/// One target: its name, and its check.
pub type Target = (&'static str, fn(&[u8]));

/// All targets, by the names of their programs and of their folders in `seeds`.
pub const TARGETS: [Target; 7] = [
    ("b3", b3::check),
    ("baggage", baggage::check),
    ("forwarded", forwarded::check),
    ("grpc", grpc::check),
    ("traceparent", traceparent::check),
    ("tracestate", tracestate::check),
    ("secrets", secrets::check),
];
