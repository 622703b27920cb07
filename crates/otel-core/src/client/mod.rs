//! What every HTTP client half does alike: the CLIENT span of one call, from its request to its one end.
//!
//! For instrumentations of clients, such as `otel-reqwest` and `otel_tower::ClientLayer`; the feature `client` brings it. Such a
//! half keeps a [`ClientConfig`], opens a [`ClientCall`] for each request that it sends, and tells it how that went:
//!
//! - [`OutgoingRequest`]: what is asked of a request, whatever its type,
//! - [`ClientConfig`]: what a client was told, and [`parent`], under which its spans lie,
//! - [`ClientCall`] and [`End`]: the span, its metrics, its hooks,
//! - [`error_type`]: the names of what goes wrong on the way,
//! - [`EndAt`], [`Propagate`], [`UrlTemplate`]: what applications say.

mod attributes;
mod call;
mod config;
mod end_at;
pub mod error_type;
mod head;
#[cfg_attr(not(feature = "metrics"), path = "no_metrics.rs")]
mod metrics;
mod parent;
mod propagate;
mod request;
mod shared_text;
mod sizes;
mod url_template;

pub use self::call::{ClientCall, End};
pub use self::config::{ClientConfig, RequestHook, ResponseHook};
pub use self::end_at::EndAt;
pub use self::parent::parent;
pub use self::propagate::Propagate;
pub use self::request::OutgoingRequest;
pub use self::sizes::BodySizes;
pub use self::url_template::{UrlTemplate, UrlTemplates};
