//! The layer that passes events to an OpenTelemetry logger.

mod any_value;
mod layer;
mod record;

pub use self::layer::{RecordLayer, record_layer};
