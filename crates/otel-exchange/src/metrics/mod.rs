//! The metrics of HTTP requests and gRPC calls.

pub(crate) mod attributes;
pub(crate) mod http_measures;
mod instruments;
pub(crate) mod measurement;

pub(crate) use self::instruments::Metrics;
