//! The layer that passes events to an OpenTelemetry logger.

mod any_value;
mod layer;
mod record;
mod span_values;

pub use self::layer::{RecordLayer, record_layer};
