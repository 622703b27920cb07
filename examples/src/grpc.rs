//! The gRPC service `shop.Pricing`: its messages, and what the generator makes of it.

#[allow(
    missing_docs,
    missing_debug_implementations,
    rust_2018_idioms,
    unreachable_pub,
    clippy::all,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    clippy::uninlined_format_args,
    reason = "generated"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/shop.Pricing.rs"));
}

pub use generated::{pricing_client, pricing_server};

/// The descriptor set of the service, which names its methods.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("shop");

/// Which article is asked for.
#[derive(Clone, PartialEq, Eq, prost::Message)]
#[allow(clippy::exhaustive_structs, reason = "a message")]
pub struct QuoteRequest {
    /// The article.
    #[prost(string, tag = "1")]
    pub sku: String,
}

/// A price.
#[derive(Clone, PartialEq, Eq, prost::Message)]
#[allow(clippy::exhaustive_structs, reason = "a message")]
pub struct Quote {
    /// The article.
    #[prost(string, tag = "1")]
    pub sku: String,
    /// What it costs.
    #[prost(int64, tag = "2")]
    pub cents: i64,
}
