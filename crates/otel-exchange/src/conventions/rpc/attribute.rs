//! The attribute keys of the RPC conventions.

use opentelemetry::KeyValue;

/// Service and method, `shop.Pricing/Quote`, or `_OTHER`.
pub const RPC_METHOD: &str = "rpc.method";
/// Service and method as they were sent, if they differ from `rpc.method`.
pub const RPC_METHOD_ORIGINAL: &str = "rpc.method_original";
/// Prefix of a captured request header.
pub const RPC_REQUEST_HEADER: &str = "rpc.request.header.";
/// Prefix of a captured response header.
pub const RPC_RESPONSE_HEADER: &str = "rpc.response.header.";
/// The name of `rpc.status_code` in version 1.44.0.
pub const RPC_RESPONSE_STATUS_CODE: &str = "rpc.response.status_code";
/// Prefix of a captured response trailer.
pub const RPC_RESPONSE_TRAILER: &str = "rpc.response.trailer.";
/// Name of the status code, such as `OK` or `DEADLINE_EXCEEDED`.
pub const RPC_STATUS_CODE: &str = "rpc.status_code";
/// `grpc`, or another system.
pub const RPC_SYSTEM_NAME: &str = "rpc.system.name";

/// The value of `rpc.system.name` for gRPC, and the name of spans whose method is not known.
pub const GRPC: &str = "grpc";

/// Returns `rpc.system.name`, which every span and metric of a gRPC call has.
#[must_use]
pub fn system() -> KeyValue {
    KeyValue::new(RPC_SYSTEM_NAME, GRPC)
}
