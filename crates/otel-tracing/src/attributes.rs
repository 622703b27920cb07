//! The fields of a span as OpenTelemetry shows them: name, kind, status, attributes.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use otel_core::limits::cut;
use otel_core::redact::FieldKind;
use otel_core::span_fields::FieldValue;
use otel_core::span_fields::text::CUT;

use crate::callsite::{Role, SpanPlan};
use crate::options::Options;

pub(crate) const EXCEPTION_MESSAGE: &str = "exception.message";

/// What the fields of a span say about it.
#[derive(Debug, Default)]
pub(crate) struct Description {
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) kind: Option<SpanKind>,
    pub(crate) status: Status,
    pub(crate) attributes: Vec<KeyValue>,
}

impl Description {
    /// Makes the description of these fields. `others` is the number of attributes that are added later.
    pub(crate) fn new<'f>(
        plan: &SpanPlan,
        options: &Options,
        fields: impl ExactSizeIterator<Item = (usize, &'f FieldValue)>,
        others: usize,
    ) -> Self {
        let mut new = Self {
            attributes: Vec::with_capacity(fields.len() + others),
            ..Self::default()
        };
        for (index, value) in fields {
            match plan.fields.get(index) {
                Some((name, Role::Attribute(kind))) => new.add(options, name, *kind, value),
                Some((_, role)) => new.set(*role, text(value, options)),
                None => {}
            }
        }
        new
    }

    fn set(&mut self, role: Role, text: StringValue) {
        match role {
            Role::Attribute(_) => {}
            Role::Name => self.name = Some(String::from(text).into()),
            Role::Kind => self.kind = kind(text.as_str()),
            Role::StatusCode => self.status = status(text.as_str()),
            Role::StatusDescription => self.status = Status::error(String::from(text)),
        }
    }

    #[inline]
    fn add(&mut self, options: &Options, name: &'static str, kind: FieldKind, value: &FieldValue) {
        if matches!(value, FieldValue::Error(_)) && options.error_fields {
            let message = text(value, options);
            self.attributes
                .push(KeyValue::new(EXCEPTION_MESSAGE, message));
        }
        push(&mut self.attributes, (name, kind), value, options);
    }
}

/// Appends an attribute, and the sources of an error as another attribute.
#[inline]
pub(crate) fn push(
    attributes: &mut Vec<KeyValue>,
    (name, kind): (&'static str, FieldKind),
    value: &FieldValue,
    options: &Options,
) {
    let (secrets, limit) = (options.secrets.get(), options.value_limit);
    let mut shown = attribute_value(value, limit);
    secrets.redact_value(kind, &mut shown);
    attributes.push(KeyValue::new(name, shown));
    if let FieldValue::Error(error) = value {
        let sources = error.sources.iter();
        let sources = sources.map(|source| shared_text(source, limit)).collect();
        let mut sources = Value::Array(Array::String(sources));
        secrets.redact_value(kind, &mut sources);
        let key = Key::new(format!("{name}.chain"));
        attributes.push(KeyValue::new(key, sources));
    }
}

/// Returns the value of an attribute. What an attribute cannot hold becomes text: integers that do not fit into 64 bits with a
/// sign, NaN and the infinities, bytes. (One NaN makes Jaeger's search fail for the whole service.)
#[inline]
fn attribute_value(value: &FieldValue, limit: usize) -> Value {
    match value {
        FieldValue::I64(value) => Value::I64(*value),
        FieldValue::Bool(value) => Value::Bool(*value),
        FieldValue::F64(value) if value.is_finite() => Value::F64(*value),
        FieldValue::Text(text) => Value::String(shared_text(text, limit)),
        FieldValue::U64(value) if i64::try_from(*value).is_ok() => Value::I64(*value as i64),
        _ => other_value(value, limit),
    }
}

#[cold]
fn other_value(value: &FieldValue, limit: usize) -> Value {
    match value {
        FieldValue::I128(value) => match i64::try_from(**value) {
            Ok(value) => Value::I64(value),
            Err(_) => value.to_string().into(),
        },
        FieldValue::U128(value) => match i64::try_from(**value) {
            Ok(value) => Value::I64(value),
            Err(_) => value.to_string().into(),
        },
        _ => Value::String(plain_text(value, limit)),
    }
}

/// Returns the value as text without the user info of URLs, cut after the limit.
#[cold]
pub(crate) fn text(value: &FieldValue, options: &Options) -> StringValue {
    let mut text = plain_text(value, options.value_limit);
    options
        .secrets
        .get()
        .redact_string(FieldKind::Shown, &mut text);
    text
}

/// Returns the value as text, cut after `limit` bytes.
#[cold]
fn plain_text(value: &FieldValue, limit: usize) -> StringValue {
    match value {
        FieldValue::F64(value) => value.to_string().into(),
        FieldValue::I64(value) => value.to_string().into(),
        FieldValue::U64(value) => value.to_string().into(),
        FieldValue::I128(value) => value.to_string().into(),
        FieldValue::U128(value) => value.to_string().into(),
        FieldValue::Bool(value) => value.to_string().into(),
        FieldValue::Text(text) => shared_text(text, limit),
        FieldValue::Bytes(bytes) => hex(bytes, limit).into(),
        FieldValue::Error(error) => shared_text(&error.message, limit),
    }
}

/// Returns a text that shares the memory of this one, or a shorter copy.
fn shared_text(text: &Arc<str>, limit: usize) -> StringValue {
    if text.len() <= limit {
        return StringValue::from(Arc::clone(text));
    }
    [cut(text, limit), CUT].concat().into()
}

fn hex(bytes: &[u8], limit: usize) -> String {
    let shown = bytes.get(..limit / 2).unwrap_or(bytes);
    let mut text = String::with_capacity(2 * shown.len());
    for byte in shown {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    if shown.len() < bytes.len() {
        text.push_str(CUT);
    }
    text
}

fn kind(text: &str) -> Option<SpanKind> {
    let kinds = [
        ("server", SpanKind::Server),
        ("client", SpanKind::Client),
        ("producer", SpanKind::Producer),
        ("consumer", SpanKind::Consumer),
        ("internal", SpanKind::Internal),
    ];
    let mut kinds = kinds.into_iter();
    let (_, kind) = kinds.find(|(name, _)| text.eq_ignore_ascii_case(name))?;
    Some(kind)
}

fn status(text: &str) -> Status {
    if text.eq_ignore_ascii_case("ok") {
        Status::Ok
    } else if text.eq_ignore_ascii_case("error") {
        Status::error("")
    } else {
        Status::Unset
    }
}
