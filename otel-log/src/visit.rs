//! Turns recorded values into JSON, for events and spans alike.

use std::{error::Error, fmt};

use tracing_core::field::{Field, Visit};

use crate::{json, keys};

/// Where the fields of one event or span go.
pub(crate) trait Target {
    /// Takes a field's name and has its value written, or leaves the field out.
    fn field(&mut self, name: &'static str, write: impl FnOnce(&mut Vec<u8>));
}

/// A visitor that keeps the type of each value.
pub(crate) struct Visitor<T>(pub(crate) T);

impl<T: Target> Visitor<T> {
    fn record(&mut self, field: &Field, write: impl FnOnce(&mut Vec<u8>)) {
        self.0.field(keys::plain(field.name()), write);
    }
}

impl<T: Target> Visit for Visitor<T> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.record(field, |out| json::float(out, value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record(field, |out| json::integer(out, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record(field, |out| json::integer(out, value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.record(field, |out| json::integer(out, value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.record(field, |out| json::integer(out, value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.record(field, |out| json::boolean(out, value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record(field, |out| json::string(out, value));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.record(field, |out| json::hex(out, value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record(field, |out| json::error(out, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record(field, |out| json::formatted(out, format_args!("{value:?}")));
    }
}
