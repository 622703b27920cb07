//! The metrics of HTTP requests and gRPC calls.

pub(crate) mod attributes;
mod instruments;
pub(crate) mod measurement;

pub(crate) use self::instruments::Metrics;
