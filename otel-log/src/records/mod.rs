//! The layer that hands events to an OpenTelemetry logger, instead of or beside the one that writes lines.

mod layer;
mod record;
mod span_values;
mod text;
mod values;

pub use self::layer::{RecordLayer, record_layer};
