//! The fields of a `tracing` span with their types, kept once for all layers that need them.

mod store;
pub mod text;
mod value;

pub use self::store::{KeptField, Owner, SpanFields};
pub use self::value::{ErrorText, FieldValue, MAX_KEPT};
