//! The fields of a `tracing` span with their types, kept once for all layers that need them.

pub mod carried_spans;
mod kept_field;
mod otel_span;
mod store;
pub mod text;
mod value;

pub use self::kept_field::KeptField;
pub use self::otel_span::{Additions, Closed, Kind, OtelSpan, Shadow, Started, Turn, Waiting};
pub use self::store::{Owner, SpanFields};
pub use self::value::{ErrorText, FieldValue, MAX_KEPT};
