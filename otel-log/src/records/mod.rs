//! The layer that hands events to an OpenTelemetry logger, instead of or beside the one that writes lines.

mod any_value;
mod layer;
mod record;
mod span_values;

pub use self::layer::{RecordLayer, record_layer};
