//! The address of the socket's other end.

use std::net::SocketAddr;

use otel_exchange::RequestHead;

/// Returns the address that the server has put into the extensions: axum its `ConnectInfo`, tonic its `TcpConnectInfo`.
pub(super) fn connected(request: &RequestHead<'_>) -> Option<SocketAddr> {
    let extensions = request.extensions();
    #[cfg(feature = "axum")]
    if let Some(info) = extensions.get::<axum::extract::ConnectInfo<SocketAddr>>() {
        return Some(info.0);
    }
    #[cfg(feature = "tonic")]
    if let Some(info) = extensions.get::<tonic::transport::server::TcpConnectInfo>() {
        return info.remote_addr();
    }
    // Without these features no server is known.
    let _ = extensions;
    None
}
