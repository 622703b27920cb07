//! The client's side of an exchange: an attempt goes out, its CLIENT span ends with the response head or with the body.

mod attributes;
mod blanks;
mod decide;
pub mod error_type;
mod exchange;
mod finish;
mod http_measures;
mod inject;
mod open;
mod options;
mod parent;
mod received_head;
mod request;
mod respond;
mod target;
mod traced;
mod undecided;
mod url_template;

pub use self::exchange::Exchange;
pub use self::inject::Propagate;
pub use self::options::ClientOptions;
pub use self::parent::{CallParent, parent};
pub use self::request::{Destination, OutgoingRequest};
pub use self::url_template::UrlTemplate;
