//! Turns recorded values into JSON, for events and spans alike.

use std::{error::Error, fmt};

use tracing_core::field::{Field, Visit};

use crate::json;

/// Where the fields of one event or span go.
pub(crate) trait Target {
    /// Takes a field and has its value written, or leaves the field out. A value is cut after the given number of bytes.
    fn field(&mut self, field: &Field, write: impl FnOnce(&mut Vec<u8>, usize));
}

/// A visitor that keeps the type of each value.
pub(crate) struct Visitor<T>(pub(crate) T);

impl<T: Target> Visit for Visitor<T> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.field(field, |out, _| json::float(out, value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.field(field, |out, _| json::integer(out, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.field(field, |out, _| json::integer(out, value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.0.field(field, |out, _| json::integer(out, value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.0.field(field, |out, _| json::integer(out, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.field(field, |out, _| json::boolean(out, value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0
            .field(field, |out, limit| json::string(out, value, limit));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.0
            .field(field, |out, limit| json::bytes(out, value, limit));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0
            .field(field, |out, limit| json::error(out, value, limit));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.field(field, |out, limit| {
            json::formatted(out, format_args!("{value:?}"), limit);
        });
    }
}
