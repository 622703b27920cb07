//! The options of a server that has set none, and how it finds the peer.

use std::net::SocketAddr;

use otel_exchange::RequestHead;
use otel_exchange::server::ServerOptions;
use otel_exchange::server_span;

/// Returns options that find URI, route and peer as axum and tonic provide them.
pub(super) fn default_options() -> ServerOptions {
    let mut options = ServerOptions::new("otel_tower", env!("CARGO_PKG_VERSION"));
    options.set_tracing_span(Some(|text| server_span!("otel_tower", text)));
    options.set_peer(peer);
    #[cfg(feature = "axum")]
    {
        options.set_uri(super::axum::original_uri);
        options.set_route(super::axum::matched_path);
    }
    options
}

/// Returns the address that the server has put into the extensions: axum its `ConnectInfo`, tonic its `TcpConnectInfo`.
fn peer(request: &RequestHead<'_>) -> Option<SocketAddr> {
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
