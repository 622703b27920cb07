//! The server's side: a request comes in, its SERVER span ends with the response body.

#[cfg(feature = "axum")]
mod axum;
mod default_options;
#[cfg(feature = "axum")]
mod disconnect;
mod future;
mod layer;
mod request_body;
mod request_span;
mod service;
#[cfg(feature = "axum-ws")]
mod web_socket;

#[cfg(feature = "axum")]
pub use self::axum::{RouteLayer, RouteService};
pub use self::future::ResponseFuture;
pub use self::layer::ServerLayer;
pub use self::request_span::RequestSpan;
pub use self::service::ServerService;
#[cfg(feature = "axum-ws")]
pub use self::web_socket::WebSocketUpgradeExt;
