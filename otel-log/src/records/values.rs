//! Turns recorded values into those of log records, for events and spans alike.

use std::{error::Error, fmt};

use opentelemetry::logs::AnyValue;
use tracing_core::field::{Field, Visit};

use super::text;
use crate::config::VALUE_LIMIT;

/// Where the fields of one event or span go.
pub(super) trait Sink {
    /// Takes a field and has its value made, or leaves the field out. A text is cut after the given number of bytes.
    fn field(&mut self, field: &Field, value: impl FnOnce(usize) -> AnyValue);
}

/// A visitor that keeps the type of each value, as far as a log record has it.
pub(super) struct Values<S>(pub(super) S);

impl<S: Sink> Visit for Values<S> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.field(field, |_| value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.field(field, |_| value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.field(field, |_| integer(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.0.field(field, |_| integer(value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.0.field(field, |_| integer(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.field(field, |_| value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.field(field, |limit| text::cut(value, limit).into());
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.0
            .field(field, |limit| value.get(..limit).unwrap_or(value).into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0.field(field, |limit| {
            text::chain(value, limit).into_iter().collect()
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.field(field, |limit| {
            text::formatted(format_args!("{value:?}"), limit).into()
        });
    }
}

/// A log record has integers of 64 bits with a sign; others become text.
fn integer<N: TryInto<i64> + Copy + fmt::Display>(value: N) -> AnyValue {
    match value.try_into() {
        Ok(value) => value.into(),
        Err(_) => value.to_string().into(),
    }
}

/// The value as a layer of this limit has it; each has been cut at the greatest limit before.
pub(super) fn cut(value: &AnyValue, limit: usize) -> AnyValue {
    match value {
        _ if limit >= VALUE_LIMIT || size(value) <= limit => value.clone(),
        AnyValue::String(text) => text::cut(text.as_str(), limit).into(),
        AnyValue::Bytes(bytes) => bytes.get(..limit).unwrap_or(bytes).into(),
        AnyValue::ListAny(values) => {
            let mut left = limit;
            let cut_to_rest = |value| {
                let value = (left > 0).then(|| cut(value, left))?;
                left = left.saturating_sub(size(&value));
                Some(value)
            };
            values.iter().map_while(cut_to_rest).collect()
        }
        _ => value.clone(),
    }
}

/// About how many bytes a value takes.
pub(super) fn size(value: &AnyValue) -> usize {
    match value {
        AnyValue::String(text) => text.as_str().len(),
        AnyValue::Bytes(bytes) => bytes.len(),
        AnyValue::ListAny(values) => values.iter().map(size).sum(),
        _ => size_of::<i64>(),
    }
}
