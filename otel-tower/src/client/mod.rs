//! The client's side: a request goes out, its CLIENT span ends with the response head or with the body.

mod body;
#[cfg(feature = "hyper-util")]
mod channel_peer;
mod error_type;
mod future;
mod layer;
mod resend;
mod service;

pub use self::body::ClientBody;
#[cfg(feature = "hyper-util")]
pub use self::channel_peer::{ChannelPeer, PeerConnector, PeerFuture};
pub use self::future::ClientFuture;
pub use self::layer::ClientLayer;
pub use self::resend::ResendCount;
pub use self::service::ClientService;
