//! RPC semantic conventions, for gRPC over HTTP/2.
//!
//! They follow the [RPC conventions](https://opentelemetry.io/docs/specs/semconv/rpc/) of version 1.44.0, where they are a
//! release candidate: names may still change. The next version calls `rpc.response.status_code` `rpc.status_code`.
//!
//! - [`attribute`]: the keys,
//! - [`RpcMethods`] and [`RpcMethod`]: `rpc.method`, `_OTHER`, and the name of a span,
//! - [`GrpcCode`]: the status of a call, and which are errors on which side,
//! - [`GrpcCall`]: what is known of one call, from its request to its status,
//! - `RpcMetrics` (feature `metrics`): the instruments.

pub mod attribute;
mod call;
mod code;
mod deadline;
mod method;
#[cfg(feature = "metrics")]
mod metrics;

pub use self::call::{GrpcCall, MethodAttributes, is_grpc};
pub use self::code::{GrpcCode, client_error_type, server_error_type};
pub use self::method::{RpcMethod, RpcMethods};
#[cfg(feature = "metrics")]
pub use self::metrics::RpcMetrics;
