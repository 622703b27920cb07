//! The values of fields with their types, as `tracing` records them for events and spans.

use std::{error::Error, fmt};

use tracing_core::field::{Field, Visit};

/// The value of a field.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    F64(f64),
    I64(i64),
    U64(u64),
    I128(i128),
    U128(u128),
    Bool(bool),
    Str(&'a str),
    Bytes(&'a [u8]),
    Error(&'a (dyn Error + 'static)),
    Debug(&'a dyn fmt::Debug),
}

/// Takes the fields of an event or span.
pub(crate) trait FieldSink {
    fn field(&mut self, field: &Field, value: Value<'_>);
}

/// A visitor that hands each field to a sink.
pub(crate) struct Visitor<S>(pub(crate) S);

impl<S: FieldSink> Visit for Visitor<S> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.field(field, Value::F64(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.field(field, Value::I64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.field(field, Value::U64(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.0.field(field, Value::I128(value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.0.field(field, Value::U128(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.field(field, Value::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.field(field, Value::Str(value));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.0.field(field, Value::Bytes(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0.field(field, Value::Error(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.field(field, Value::Debug(value));
    }
}
