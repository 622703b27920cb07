//! Which query keys and headers hold secrets, and how URLs are redacted.

mod header;
mod redaction;

pub use self::header::is_secret_header;
pub use self::redaction::Redaction;
