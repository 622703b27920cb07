//! The client's side of an exchange: an attempt goes out, its CLIENT span ends with the response head or with the body.

mod attributes;
mod end;
pub mod error_type;
mod exchange;
mod finish;
mod inject;
mod open;
mod options;
mod request;
mod respond;
mod target;
mod traced;
mod url_template;

pub use self::end::End;
pub use self::exchange::Exchange;
pub use self::inject::Propagate;
pub(crate) use self::open::context_of_tracing_span;
pub use self::open::parent;
pub use self::options::ClientOptions;
pub use self::request::{Destination, OutgoingRequest};
pub use self::url_template::UrlTemplate;
