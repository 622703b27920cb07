//! The [RPC conventions](https://opentelemetry.io/docs/specs/semconv/rpc/) of version 1.45.0, for gRPC over HTTP/2.
//!
//! Under `OTEL_SEMCONV_STABILITY_OPT_IN=rpc/dup` the status also has its name of version 1.44.0.
//!
//! - [`attribute`]: the attribute keys,
//! - [`RpcMethods`] and [`RpcMethod`]: `rpc.method`, `_OTHER`, and the name of a span,
//! - [`GrpcCode`]: the status of a call, and which codes are errors on which side,
//! - [`GrpcCall`]: the state of one call, from its request to its status.

pub mod attribute;
mod call;
mod code;
mod deadline;
#[cfg(feature = "descriptor-set")]
mod descriptor_set;
pub(crate) mod metadata;
mod method;
mod status_names;

pub use self::call::{GrpcCall, MethodAttributes, is_grpc};
pub use self::code::{GrpcCode, client_error_type, server_error_type};
#[cfg(feature = "descriptor-set")]
pub use self::descriptor_set::DescriptorSetError;
pub use self::method::{RpcMethod, RpcMethods};
pub(crate) use self::status_names::StatusNames;
