//! From OTLP protobuf, which a stranger may have sent: nothing in here trusts a length or an id.

use std::{
    fmt::Write as _,
    str::FromStr as _,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use opentelemetry::{
    Array, KeyValue, SpanId, StringValue, TraceFlags, TraceId, Value,
    trace::{Event, Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{self as common, AnyValue, any_value},
    trace::v1 as otlp,
};

use super::{Fields, Resource, Span};

/// Converts an export request span by span, `None` for one without valid ids (OTLP, "Partial Success").
///
/// A scope or resource of a megabyte may stand over many thousands of empty spans: they share it.
pub(crate) fn from_otlp(request: ExportTraceServiceRequest) -> impl Iterator<Item = Option<Span>> {
    request.resource_spans.into_iter().flat_map(|it| {
        let resource = it.resource.unwrap_or_default().attributes;
        let resource = Arc::new(Resource::from(attributes(resource)));
        it.scope_spans.into_iter().flat_map(move |it| {
            let resource = Arc::clone(&resource);
            let scope: Arc<str> = it.scope.unwrap_or_default().name.into();
            let spans = it.spans.into_iter();
            spans.map(move |span| convert(span, &resource, &scope))
        })
    })
}

fn convert(span: otlp::Span, resource: &Arc<Resource>, scope: &Arc<str>) -> Option<Span> {
    let parent_span_id = if span.parent_span_id.is_empty() {
        None
    } else {
        let id = SpanId::from_bytes(span.parent_span_id.try_into().ok()?);
        (id != SpanId::INVALID).then_some(id)
    };
    let fields = Fields {
        trace_id: trace_id(&span.trace_id)?,
        span_id: span_id(&span.span_id)?,
        parent_span_id,
        parent_is_remote: is_remote(span.flags),
        trace_flags: trace_flags(span.flags),
        trace_state: span.trace_state,
        name: span.name,
        kind: kind(span.kind),
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
        start: time(span.start_time_unix_nano),
        end: time(span.end_time_unix_nano),
        status: status(span.status.unwrap_or_default()),
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(event).collect(),
        links: span.links.into_iter().filter_map(link).collect(),
    };
    Some(fields.into())
}

fn trace_id(bytes: &[u8]) -> Option<TraceId> {
    let id = TraceId::from_bytes(bytes.try_into().ok()?);
    (id != TraceId::INVALID).then_some(id)
}

fn span_id(bytes: &[u8]) -> Option<SpanId> {
    let id = SpanId::from_bytes(bytes.try_into().ok()?);
    (id != SpanId::INVALID).then_some(id)
}

/// Bits 0-7 of the flags are the W3C trace flags (trace.proto, `SpanFlags`).
fn trace_flags(flags: u32) -> TraceFlags {
    let [low, ..] = flags.to_le_bytes();
    TraceFlags::new(low)
}

/// Bit 8 says whether bit 9 means anything (trace.proto, `SpanFlags`).
fn is_remote(flags: u32) -> Option<bool> {
    let has = flags & otlp::SpanFlags::ContextHasIsRemoteMask as u32 != 0;
    has.then_some(flags & otlp::SpanFlags::ContextIsRemoteMask as u32 != 0)
}

fn kind(kind: i32) -> SpanKind {
    match otlp::span::SpanKind::try_from(kind) {
        Ok(otlp::span::SpanKind::Server) => SpanKind::Server,
        Ok(otlp::span::SpanKind::Client) => SpanKind::Client,
        Ok(otlp::span::SpanKind::Producer) => SpanKind::Producer,
        Ok(otlp::span::SpanKind::Consumer) => SpanKind::Consumer,
        Ok(otlp::span::SpanKind::Internal | otlp::span::SpanKind::Unspecified) | Err(_) => {
            SpanKind::Internal
        }
    }
}

fn status(status: otlp::Status) -> Status {
    match otlp::status::StatusCode::try_from(status.code) {
        Ok(otlp::status::StatusCode::Ok) => Status::Ok,
        Ok(otlp::status::StatusCode::Error) => Status::error(status.message),
        Ok(otlp::status::StatusCode::Unset) | Err(_) => Status::Unset,
    }
}

fn time(unix_nano: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(unix_nano)
}

fn event(event: otlp::span::Event) -> Event {
    Event::new(
        event.name,
        time(event.time_unix_nano),
        attributes(event.attributes),
        event.dropped_attributes_count,
    )
}

fn link(link: otlp::span::Link) -> Option<Link> {
    let context = SpanContext::new(
        trace_id(&link.trace_id)?,
        span_id(&link.span_id)?,
        trace_flags(link.flags),
        is_remote(link.flags).unwrap_or_default(),
        TraceState::from_str(&link.trace_state).unwrap_or_default(),
    );
    Some(Link::new(
        context,
        attributes(link.attributes),
        link.dropped_attributes_count,
    ))
}

fn attributes(attributes: Vec<common::KeyValue>) -> Vec<KeyValue> {
    attributes
        .into_iter()
        .map(|attribute| KeyValue::new(attribute.key, value(attribute.value)))
        .collect()
}

/// Maps the types the API has one to one, and writes the others (maps, bytes, mixed lists) as JSON text.
fn value(any: Option<AnyValue>) -> Value {
    match any.and_then(|any| any.value) {
        Some(any_value::Value::StringValue(text)) => text.into(),
        Some(any_value::Value::BoolValue(value)) => value.into(),
        Some(any_value::Value::IntValue(value)) => value.into(),
        Some(any_value::Value::DoubleValue(value)) => value.into(),
        Some(any_value::Value::ArrayValue(list)) => match array(&list.values) {
            Some(array) => Value::Array(array),
            None => json(Some(any_value::Value::ArrayValue(list)))
                .to_string()
                .into(),
        },
        Some(any_value::Value::BytesValue(bytes)) => hex(&bytes).into(),
        other @ (Some(
            any_value::Value::KvlistValue(_) | any_value::Value::StringValueStrindex(_),
        )
        | None) => json(other).to_string().into(),
    }
}

/// The list as an array of one type, or `None` where it is mixed or nested.
fn array(values: &[AnyValue]) -> Option<Array> {
    fn all<'a, T>(
        values: &'a [AnyValue],
        pick: impl Fn(&'a any_value::Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        values
            .iter()
            .map(|any| any.value.as_ref().and_then(&pick))
            .collect()
    }
    let strings = all(values, |value| match value {
        any_value::Value::StringValue(text) => Some(StringValue::from(text.clone())),
        _ => None,
    });
    let bools = || {
        all(values, |value| match value {
            any_value::Value::BoolValue(value) => Some(*value),
            _ => None,
        })
    };
    let ints = || {
        all(values, |value| match value {
            any_value::Value::IntValue(value) => Some(*value),
            _ => None,
        })
    };
    let doubles = || {
        all(values, |value| match value {
            any_value::Value::DoubleValue(value) => Some(*value),
            _ => None,
        })
    };
    strings
        .map(Array::String)
        .or_else(|| bools().map(Array::Bool))
        .or_else(|| ints().map(Array::I64))
        .or_else(|| doubles().map(Array::F64))
}

/// Recursion ends: prost refuses messages nested deeper than 100.
pub(crate) fn json(value: Option<any_value::Value>) -> serde_json::Value {
    match value {
        None => serde_json::Value::Null,
        Some(any_value::Value::StringValue(text)) => text.into(),
        Some(any_value::Value::BoolValue(value)) => value.into(),
        Some(any_value::Value::IntValue(value)) => value.into(),
        Some(any_value::Value::DoubleValue(value)) => value.into(),
        Some(any_value::Value::BytesValue(bytes)) => hex(&bytes).into(),
        Some(any_value::Value::StringValueStrindex(index)) => index.into(),
        Some(any_value::Value::ArrayValue(list)) => {
            list.values.into_iter().map(|any| json(any.value)).collect()
        }
        Some(any_value::Value::KvlistValue(list)) => list
            .values
            .into_iter()
            .map(|pair| (pair.key, json(pair.value.and_then(|any| any.value))))
            .collect(),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a String does not fail
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(value: any_value::Value) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    fn list(values: Vec<any_value::Value>) -> any_value::Value {
        any_value::Value::ArrayValue(common::ArrayValue {
            values: values.into_iter().map(any).collect(),
        })
    }

    #[test]
    fn values_keep_their_type() {
        use any_value::Value as V;
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

    #[test]
    fn spans_without_valid_ids_are_rejected() {
        let good = otlp::Span {
            trace_id: vec![1; 16],
            span_id: vec![2; 8],
            ..Default::default()
        };
        let with = |change: fn(&mut otlp::Span)| {
            let mut span = good.clone();
            change(&mut span);
            span
        };
        let cases = [
            ("good", good.clone(), true),
            ("no trace id", with(|s| s.trace_id.clear()), false),
            ("short trace id", with(|s| s.trace_id.truncate(15)), false),
            ("long trace id", with(|s| s.trace_id.push(1)), false),
            ("zero trace id", with(|s| s.trace_id = vec![0; 16]), false),
            ("no span id", with(|s| s.span_id.clear()), false),
            ("zero span id", with(|s| s.span_id = vec![0; 8]), false),
            (
                "short parent id",
                with(|s| s.parent_span_id = vec![1; 7]),
                false,
            ),
            (
                "zero parent id",
                with(|s| s.parent_span_id = vec![0; 8]),
                true,
            ),
        ];
        for (name, span, kept) in cases {
            let request = ExportTraceServiceRequest {
                resource_spans: vec![otlp::ResourceSpans {
                    scope_spans: vec![otlp::ScopeSpans {
                        spans: vec![span],
                        ..Default::default()
                    }],
                    ..Default::default()
                }],
            };
            let received: Vec<_> = from_otlp(request).map(|it| it.is_some()).collect();
            assert_eq!(received, [kept], "{name}");
        }
    }

    #[test]
    fn the_remote_flag_counts_only_where_it_is_declared() {
        let cases = [
            (0x000, None),
            (0x200, None),
            (0x101, Some(false)),
            (0x301, Some(true)),
        ];
        for (flags, expected) in cases {
            assert_eq!(is_remote(flags), expected, "{flags:#x}");
        }
        assert_eq!(trace_flags(0x301), TraceFlags::SAMPLED);
    }
}
