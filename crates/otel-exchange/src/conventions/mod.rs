//! The semantic conventions of HTTP and RPC as pure functions, the same for server and client.

pub mod http;
pub mod rpc;
