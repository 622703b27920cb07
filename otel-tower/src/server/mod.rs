//! The server half: a request comes in, its SERVER span ends with the response body.

mod asked;
mod attributes;
mod body;
mod config;
mod end;
mod end_at;
mod exchange;
mod first_byte;
mod future;
mod late_route;
mod layer;
#[cfg_attr(not(feature = "metrics"), path = "no_measurement.rs")]
mod measurement;
mod observed;
mod request_body;
mod request_span;
mod route;
#[cfg(feature = "axum")]
mod route_layer;
mod route_slot;
mod service;
mod shared_text;
mod span;
mod span_name;
mod trace_header;
mod watched;

pub use self::body::ResponseBody;
pub use self::end_at::EndAt;
pub use self::first_byte::FirstByte;
pub use self::future::ResponseFuture;
pub use self::layer::ServerLayer;
pub use self::request_span::RequestSpan;
#[cfg(feature = "axum")]
pub use self::route_layer::{RouteLayer, RouteService};
pub use self::route_slot::RouteSlot;
pub use self::service::ServerService;
pub use self::trace_header::TraceHeader;
