//! The options of a server that has set none.

use otel_exchange::server::ServerOptions;
use otel_exchange::server_span;

use super::peer;

/// Returns options that find route and peer as axum and tonic provide them.
pub(super) fn default_options() -> ServerOptions {
    let mut options = ServerOptions::new("otel_tower", env!("CARGO_PKG_VERSION"));
    options.set_tracing_span(Some(|| server_span!("otel_tower")));
    options.set_peer(peer::connected);
    #[cfg(feature = "axum")]
    options.set_route(super::axum::matched_path);
    options
}
