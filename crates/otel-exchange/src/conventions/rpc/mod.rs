//! The [RPC conventions](https://opentelemetry.io/docs/specs/semconv/rpc/) of version 1.44.0, for gRPC over HTTP/2.
//!
//! They are a release candidate, so names may still change. The next version renames `rpc.response.status_code` to
//! `rpc.status_code`.
//!
//! - [`attribute`]: the attribute keys,
//! - [`RpcMethods`] and [`RpcMethod`]: `rpc.method`, `_OTHER`, and the name of a span,
//! - [`GrpcCode`]: the status of a call, and which codes are errors on which side,
//! - [`GrpcCall`]: the state of one call, from its request to its status.

pub mod attribute;
mod call;
mod code;
mod deadline;
mod method;

pub use self::call::{GrpcCall, MethodAttributes, is_grpc};
pub use self::code::{GrpcCode, client_error_type, server_error_type};
pub use self::method::{RpcMethod, RpcMethods};
