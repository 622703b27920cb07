//! The client's side: a request goes out, its CLIENT span ends with the response head or with the body.

mod body;
mod error_type;
mod future;
mod layer;
mod resend;
mod service;

pub use self::body::ClientBody;
pub use self::future::ClientFuture;
pub use self::layer::ClientLayer;
pub use self::resend::ResendCount;
pub use self::service::ClientService;
