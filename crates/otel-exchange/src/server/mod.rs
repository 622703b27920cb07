//! The server's side of an exchange: a request comes in, its SERVER span ends with the response body.

mod arrival;
mod attributes;
mod blanks;
mod cache_control;
mod decide;
pub mod error_type;
mod exchange;
mod field_list;
mod finish;
mod forwarded;
mod http_measures;
mod network;
mod open;
mod options;
mod origin;
mod past_filters;
mod request_info;
mod respond;
mod response_body;
mod route_slot;
mod route_watch;
mod span;
mod span_text;
mod trace_header;
mod trusted_proxies;
mod undecided;

pub use self::exchange::{Exchange, FirstEntry};
pub use self::network::InvalidNetwork;
pub use self::options::ServerOptions;
pub use self::origin::Origin;
pub use self::response_body::ResponseBody;
pub use self::route_slot::RouteSlot;
pub use self::span_text::SpanText;
pub use self::trace_header::TraceHeader;
pub use self::trusted_proxies::{TrustedProxies, XForwarded};
