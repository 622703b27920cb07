//! `OTEL_LOGRECORD_*_LIMIT`: how much a log record may hold.

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{SdkLogRecord, SdkLogger, SdkLoggerProvider};

use crate::limits::shorten_text;
use crate::variables::{Environment, ValueType as _, table};

/// The SDK knows neither limit.
#[derive(Debug)]
pub(crate) struct LogLimits {
    attributes: usize,
    /// Characters of a text, bytes of other values. Default: no limit.
    value: Option<usize>,
    /// Makes empty records, because the attributes of a record can be added but not changed.
    blank: SdkLogger,
}

impl LogLimits {
    pub(crate) fn new(environment: &Environment) -> Self {
        let attributes = environment.get(&table::ATTRIBUTE_COUNT, None);
        let own = environment.find(&table::RECORD_ATTRIBUTE_COUNT, &attributes.shown());
        let general = environment.find(&table::ATTRIBUTE_LENGTH, "no limit");
        let otherwise = general.map_or("no limit".into(), |limit| limit.shown());
        let length = environment.find(&table::RECORD_ATTRIBUTE_LENGTH, &otherwise);
        let length = length.or(general);
        let provider = SdkLoggerProvider::builder()
            .with_resource(Resource::builder_empty().build())
            .build();
        Self {
            attributes: own.unwrap_or(attributes).0,
            value: length.map(|limit| limit.0),
            blank: provider.logger("blank"),
        }
    }

    /// Leaves out attributes beyond the limit, and shortens the values of the others. The body is not an attribute.
    pub(crate) fn apply(&self, record: &mut SdkLogRecord) {
        let is_within = record.attributes_iter().nth(self.attributes).is_none();
        if is_within && self.value.is_none() {
            return;
        }
        let mut limited = self.blank.create_log_record();
        if let Some(name) = record.event_name() {
            limited.set_event_name(name);
        }
        if let Some(target) = record.target() {
            limited.set_target(target.clone());
        }
        if let Some(time) = record.timestamp() {
            limited.set_timestamp(time);
        }
        if let Some(time) = record.observed_timestamp() {
            limited.set_observed_timestamp(time);
        }
        if let Some(context) = record.trace_context() {
            limited.set_trace_context(context.trace_id, context.span_id, context.trace_flags);
        }
        if let Some(text) = record.severity_text() {
            limited.set_severity_text(text);
        }
        if let Some(number) = record.severity_number() {
            limited.set_severity_number(number);
        }
        if let Some(body) = record.body() {
            limited.set_body(body.clone());
        }
        for (key, value) in record.attributes_iter().take(self.attributes) {
            let mut value = value.clone();
            if let Some(limit) = self.value {
                shorten(&mut value, limit);
            }
            limited.add_attribute(key.clone(), value);
        }
        *record = limited;
    }
}

fn shorten(value: &mut AnyValue, limit: usize) {
    match value {
        AnyValue::String(text) => shorten_text(text, limit),
        AnyValue::Bytes(bytes) => bytes.truncate(limit),
        AnyValue::ListAny(values) => values.iter_mut().for_each(|value| shorten(value, limit)),
        AnyValue::Map(values) => values.values_mut().for_each(|value| shorten(value, limit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use opentelemetry::logs::Severity;
    use opentelemetry::{Key, SpanId, TraceFlags, TraceId};

    use super::*;
    use crate::test_environment;

    fn limited(variables: &[(&str, &str)]) -> (SdkLogRecord, SdkLogRecord) {
        let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, Some(*v))).collect();
        let limits =
            test_environment::with_vars(variables, || LogLimits::new(&Environment::default()));
        let mut record = limits.blank.create_log_record();
        record.set_event_name("cart.priced");
        record.set_target("shop");
        record.set_timestamp(SystemTime::UNIX_EPOCH);
        record.set_observed_timestamp(SystemTime::now());
        record.set_trace_context(TraceId::from(1), SpanId::from(2), Some(TraceFlags::SAMPLED));
        record.set_severity_text("INFO");
        record.set_severity_number(Severity::Info);
        record.set_body("a long text".into());
        record.add_attribute("text", "grün");
        record.add_attribute("bytes", &b"12345"[..]);
        record.add_attribute("list", AnyValue::from_iter(["grün", "rot"]));
        record.add_attribute("map", AnyValue::from_iter([("key", "grün")]));
        record.add_attribute("number", 12345);
        let before = record.clone();
        limits.apply(&mut record);
        (before, record)
    }

    fn keys(record: &SdkLogRecord) -> Vec<&str> {
        record
            .attributes_iter()
            .map(|(key, _)| key.as_str())
            .collect()
    }

    #[test]
    fn the_records_own_limit_of_attributes_wins_over_the_general_one() {
        const ALL: (&str, &str) = ("OTEL_ATTRIBUTE_COUNT_LIMIT", "4");
        const OWN: (&str, &str) = ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "1");
        let (before, record) = limited(&[]);
        assert_eq!(record, before);
        assert_eq!(keys(&limited(&[ALL]).1), ["text", "bytes", "list", "map"]);
        assert_eq!(keys(&limited(&[ALL, OWN]).1), ["text"]);
    }

    #[test]
    fn nothing_else_of_a_record_is_touched() {
        let (before, record) = limited(&[("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "5")]);
        assert_eq!(record, before);
        // Rebuilt, and the same.
        let (before, record) = limited(&[("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100")]);
        assert_eq!(record, before);
    }

    #[test]
    fn long_values_are_cut_between_characters_and_the_body_is_not() {
        const ALL: (&str, &str) = ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3");
        const OWN: (&str, &str) = ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "2");
        for (variables, text, bytes) in [
            ([ALL].as_slice(), "grü", &b"123"[..]),
            (&[ALL, OWN], "gr", b"12"),
        ] {
            let (before, record) = limited(variables);
            let expected: [(Key, AnyValue); 5] = [
                ("text".into(), text.into()),
                ("bytes".into(), bytes.into()),
                (
                    "list".into(),
                    AnyValue::from_iter([text, "rot".get(..text.chars().count()).unwrap()]),
                ),
                ("map".into(), AnyValue::from_iter([("key", text)])),
                ("number".into(), 12345.into()),
            ];
            let attributes: Vec<_> = record.attributes_iter().cloned().collect();
            assert_eq!(attributes, expected);
            assert_eq!(record.body(), before.body());
        }
    }
}
