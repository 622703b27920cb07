//! Hides secrets: which names hold them, and URLs without them.
//!
//! One list, [`Secrets`], applies to query keys, headers, metadata, log fields, and the attributes of spans, metrics and resources.
//! [`set_default`] sets the list of the process. A builder's `secrets` option overrides it.
//!
//! ```
//! use otel_core::redact::{self, Secrets};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // first in `main`, before the subscriber and the first request
//! redact::set_default(Secrets::default().also(["ticket", "iban"]))?;
//! # Ok(())
//! # }
//! ```

mod found;
mod list;
mod name;
mod parameters;
mod process;
mod rules;
mod secrets;
mod trigrams;
mod user_info;
mod view;

#[doc(hidden)]
pub use self::process::SecretsChoice;
pub use self::process::{SetDefaultError, current, set_default};
#[doc(hidden)]
pub use self::secrets::FieldKind;
pub use self::secrets::Secrets;

/// The text that is recorded instead of a secret.
pub const REDACTED: &str = "REDACTED";

/// Compiles the guide's examples.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/secrets.md")]
mod guide {}
