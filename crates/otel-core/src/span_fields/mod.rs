//! The fields of a `tracing` span with their types, kept once for all layers that need them.

mod otel_span;
mod store;
pub mod text;
mod value;

pub use self::otel_span::{Additions, Closed, Kind, OtelSpan, Shadow, Started, Turn, Waiting};
pub use self::store::{KeptField, Owner, SpanFields};
pub use self::value::{ErrorText, FieldValue, MAX_KEPT};
