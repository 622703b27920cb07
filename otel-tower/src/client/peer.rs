//! The socket's other end, where the client says so.

use std::net::SocketAddr;

use http::Response;

/// The client of hyper-util leaves it in the response's extensions.
#[cfg(feature = "hyper-util")]
pub(super) fn of<B>(response: &Response<B>) -> Option<SocketAddr> {
    let info = response.extensions().get();
    info.map(hyper_util::client::legacy::connect::HttpInfo::remote_addr)
}

/// No other client says it.
#[cfg(not(feature = "hyper-util"))]
pub(super) fn of<B>(_response: &Response<B>) -> Option<SocketAddr> {
    None
}
