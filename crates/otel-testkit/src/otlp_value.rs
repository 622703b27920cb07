//! OTLP values as values of the API and as JSON.

use std::fmt::Write as _;

use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_proto::tonic::common::v1::{self as common, AnyValue, any_value::Value as Otlp};

/// Converts attributes of a span, event, link or resource.
pub(crate) fn attributes(attributes: Vec<common::KeyValue>) -> Vec<KeyValue> {
    attributes
        .into_iter()
        .map(|attribute| KeyValue::new(attribute.key, value(attribute.value)))
        .collect()
}

/// Converts a value to the same type of the API. Types that the API does not have (maps, bytes, mixed lists) become text:
/// bytes as hex, the others as JSON.
fn value(any: Option<AnyValue>) -> Value {
    match any.and_then(|any| any.value) {
        Some(Otlp::StringValue(text)) => text.into(),
        Some(Otlp::BoolValue(value)) => value.into(),
        Some(Otlp::IntValue(value)) => value.into(),
        Some(Otlp::DoubleValue(value)) => value.into(),
        Some(Otlp::BytesValue(bytes)) => hex(&bytes).into(),
        Some(Otlp::ArrayValue(list)) => match array(&list.values) {
            Some(array) => Value::Array(array),
            None => json(Some(Otlp::ArrayValue(list))).to_string().into(),
        },
        other @ (Some(Otlp::KvlistValue(_) | Otlp::StringValueStrindex(_)) | None) => {
            json(other).to_string().into()
        }
    }
}

/// Converts a list to an array of one type. Returns `None` if the list is mixed or nested.
fn array(values: &[AnyValue]) -> Option<Array> {
    macro_rules! all {
        ($type:ident) => {
            values
                .iter()
                .map(|any| match &any.value {
                    Some(Otlp::$type(value)) => Some(value.clone().into()),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>()
        };
    }
    all!(StringValue)
        .map(Array::String)
        .or_else(|| all!(BoolValue).map(Array::Bool))
        .or_else(|| all!(IntValue).map(Array::I64))
        .or_else(|| all!(DoubleValue).map(Array::F64))
}

/// Converts a value to JSON. The recursion is bounded: prost refuses messages nested deeper than 100.
pub(crate) fn json(value: Option<Otlp>) -> serde_json::Value {
    match value {
        None => serde_json::Value::Null,
        Some(Otlp::StringValue(text)) => text.into(),
        Some(Otlp::BoolValue(value)) => value.into(),
        Some(Otlp::IntValue(value)) => value.into(),
        Some(Otlp::DoubleValue(value)) => value.into(),
        Some(Otlp::BytesValue(bytes)) => hex(&bytes).into(),
        Some(Otlp::StringValueStrindex(index)) => index.into(),
        Some(Otlp::ArrayValue(list)) => {
            list.values.into_iter().map(|any| json(any.value)).collect()
        }
        Some(Otlp::KvlistValue(list)) => list
            .values
            .into_iter()
            .map(|pair| (pair.key, json(pair.value.and_then(|any| any.value))))
            .collect(),
    }
}

/// Writes bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a String does not fail
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(value: Otlp) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    fn list(values: Vec<Otlp>) -> Otlp {
        Otlp::ArrayValue(common::ArrayValue {
            values: values.into_iter().map(any).collect(),
        })
    }

    #[test]
    fn values_keep_their_type() {
        use Otlp as V;
        let map = V::KvlistValue(common::KeyValueList {
            values: vec![common::KeyValue {
                key: "a\"b".to_owned(),
                value: Some(any(V::IntValue(1))),
                key_strindex: 0,
            }],
        });
        let cases = [
            ("string", V::StringValue("x".to_owned()), Value::from("x")),
            ("bool", V::BoolValue(true), Value::from(true)),
            ("int", V::IntValue(-1), Value::from(-1_i64)),
            ("double", V::DoubleValue(0.5), Value::from(0.5)),
            ("bytes", V::BytesValue(vec![0, 255]), Value::from("00ff")),
            ("map", map, Value::from(r#"{"a\"b":1}"#)),
            (
                "list of ints",
                list(vec![V::IntValue(1), V::IntValue(2)]),
                Value::Array(vec![1_i64, 2].into()),
            ),
            (
                "list of bools",
                list(vec![V::BoolValue(false)]),
                Value::Array(vec![false].into()),
            ),
            (
                "mixed list",
                list(vec![V::IntValue(1), V::BoolValue(true)]),
                Value::from("[1,true]"),
            ),
            (
                "empty list",
                list(vec![]),
                Value::Array(Array::String(vec![])),
            ),
        ];
        for (name, given, expected) in cases {
            assert_eq!(value(Some(any(given))), expected, "{name}");
        }
        assert_eq!(value(None), Value::from("null"), "no value");
    }
}
