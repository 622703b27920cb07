//! The values of log records.

use std::{error::Error, fmt, iter, sync::Arc};

use opentelemetry::logs::AnyValue;
use otel_core::{
    limits::cut,
    redact::{FieldKind, Secrets},
    span_fields::{
        FieldValue,
        text::{CUT, chain, push_formatted},
    },
};

use crate::value::Value;

/// Returns the value of a field with its type, as far as log records have that type. A text is cut after `limit` bytes.
pub(super) fn any_value(value: Value<'_>, limit: usize) -> AnyValue {
    match value {
        Value::F64(value) => value.into(),
        Value::I64(value) => value.into(),
        Value::U64(value) => integer(value),
        Value::I128(value) => integer(value),
        Value::U128(value) => integer(value),
        Value::Bool(value) => value.into(),
        Value::Str(value) => text(value, limit).into(),
        Value::Bytes(value) => value.get(..limit).unwrap_or(value).into(),
        Value::Error(error) => error_chain(error, limit).collect(),
        Value::Debug(value) => formatted(format_args!("{value:?}"), limit).into(),
    }
}

/// Returns the value of a field that a span keeps, like [`any_value`].
pub(super) fn kept_value(value: &FieldValue, limit: usize) -> AnyValue {
    match value {
        FieldValue::F64(value) => (*value).into(),
        FieldValue::I64(value) => (*value).into(),
        FieldValue::U64(value) => integer(*value),
        FieldValue::I128(value) => integer(**value),
        FieldValue::U128(value) => integer(**value),
        FieldValue::Bool(value) => (*value).into(),
        FieldValue::Text(value) if value.len() <= limit => {
            AnyValue::String(Arc::clone(value).into())
        }
        FieldValue::Text(value) => text(value, limit).into(),
        FieldValue::Bytes(value) => value.get(..limit).unwrap_or(value).into(),
        FieldValue::Error(error) => {
            let texts = iter::once(&error.message).chain(&error.sources);
            limited(texts, limit, |value, left| text(value, left)).collect()
        }
    }
}

/// Returns the value of a field of this kind without its secrets.
pub(super) fn redacted(value: AnyValue, kind: FieldKind, secrets: &Secrets) -> AnyValue {
    match value {
        AnyValue::String(mut text) => {
            secrets.redact_string(kind, &mut text);
            AnyValue::String(text)
        }
        AnyValue::ListAny(values) => {
            let values = values.into_iter();
            values.map(|value| redacted(value, kind, secrets)).collect()
        }
        _ => value,
    }
}

/// Returns about how many bytes a value takes.
pub(super) fn size(value: &AnyValue) -> usize {
    match value {
        AnyValue::String(text) => text.as_str().len(),
        AnyValue::Bytes(bytes) => bytes.len(),
        AnyValue::ListAny(values) => values.iter().map(size).sum(),
        _ => size_of::<i64>(),
    }
}

/// Returns an integer as such if it fits into 64 bits with a sign, or else as text.
fn integer<N: TryInto<i64> + Copy + fmt::Display>(value: N) -> AnyValue {
    match value.try_into() {
        Ok(value) => value.into(),
        Err(_) => value.to_string().into(),
    }
}

fn text(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    [cut(text, limit), CUT].concat()
}

fn formatted(value: fmt::Arguments<'_>, limit: usize) -> String {
    // Enough for most messages.
    let mut text = String::with_capacity(limit.min(64));
    match push_formatted(value, limit, |part| text.push_str(part)) {
        Ok(mark) => text + mark,
        Err(failure) => failure.to_owned(),
    }
}

/// Returns the texts of an error and its sources, outermost first, with `limit` bytes in all.
fn error_chain(error: &(dyn Error + 'static), limit: usize) -> impl Iterator<Item = String> {
    limited(chain(error), limit, |error, left| {
        formatted(format_args!("{error}"), left)
    })
}

/// Returns the texts of an error and its sources until they have `limit` bytes in all.
fn limited<T>(
    errors: impl Iterator<Item = T>,
    limit: usize,
    text: impl Fn(T, usize) -> String,
) -> impl Iterator<Item = String> {
    errors.scan(limit, move |left, error| {
        let text = (*left > 0).then(|| text(error, *left))?;
        *left = left.saturating_sub(text.len());
        Some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use otel_core::span_fields::text::MAX_SOURCES;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(text("grün", 4), "grün"[..4].to_owned() + CUT);
        assert_eq!(text("grün", 3), format!("gr{CUT}"));
        assert_eq!(text("grün", 5), "grün");
        for (limit, expected) in [(3, format!("gr{CUT}")), (5, "grün".to_owned())] {
            // Not literals, which the compiler would join.
            let parts = ["gr", "ün"].map(String::from);
            let [start, end] = &parts;
            assert_eq!(formatted(format_args!("{start}{end}"), limit), expected);
        }
    }

    #[test]
    fn a_value_that_goes_on_after_the_cut_adds_nothing_to_it() {
        struct Deaf;

        impl fmt::Display for Deaf {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for part in ["gr", "ün", "x"] {
                    let _ = f.write_str(part);
                }
                Ok(())
            }
        }

        assert_eq!(formatted(format_args!("{Deaf}"), 3), format!("gr{CUT}"));
    }

    #[test]
    fn an_error_that_is_its_own_source_has_an_end() {
        #[derive(Debug)]
        struct Endless;

        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("again")
            }
        }

        impl Error for Endless {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(self)
            }
        }

        assert_eq!(error_chain(&Endless, usize::MAX).count(), MAX_SOURCES);
        let short: Vec<_> = error_chain(&Endless, 7).collect();
        assert_eq!(short, ["again".to_owned(), format!("ag{CUT}")]);
    }
}
