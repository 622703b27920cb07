//! What is kept of a response head until the attempt ends.

use std::net::SocketAddr;

use http::{StatusCode, Version};

/// The facts of a response head that become attributes at the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReceivedHead {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    /// The address of the socket's other end.
    pub(super) peer: Option<SocketAddr>,
}
