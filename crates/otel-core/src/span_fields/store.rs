//! The fields of one span.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use opentelemetry::TraceId;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Record};

use super::carried_spans::CarriedSpans;
use super::kept_field::{KeptField, KeptFields};
use super::otel_span::OtelSpan;
use super::value::FieldValue;

/// The fields of a span. The first layer that sees the span puts the store into its extensions; the other layers read it there.
#[derive(Debug)]
pub struct SpanFields {
    owner: Owner,
    is_entered: AtomicBool,
    takes_fields: bool,
    otel: Option<OtelSpan>,
    /// In the order in which they were recorded.
    fields: KeptFields,
    /// The spans around this span, if it was made in work that was handed over without keeping those spans open.
    carried: Option<Arc<CarriedSpans>>,
    /// The lower half of the trace id that was expected where the span was made, for the detection of context loss.
    expected_trace: AtomicU64,
}

/// Which kind of layer has put the fields into the span. Only that layer adds fields that are recorded later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Owner {
    /// The layer that makes OpenTelemetry spans.
    SpanLayer,
    /// The layer that writes log lines.
    LineLayer,
    /// The layer that makes log records.
    RecordLayer,
}

impl SpanFields {
    /// Makes a store without fields.
    #[must_use]
    pub fn new(owner: Owner) -> Self {
        Self {
            owner,
            is_entered: AtomicBool::new(false),
            takes_fields: true,
            otel: None,
            fields: KeptFields::new(),
            carried: None,
            expected_trace: AtomicU64::new(0),
        }
    }

    /// Makes a store that remains without fields, also if fields are recorded later.
    ///
    /// The fields of a span that is [handed over](crate::span_access::is_handing_over) are for display by other layers only.
    #[must_use]
    pub fn without_fields(owner: Owner) -> Self {
        Self {
            takes_fields: false,
            ..Self::new(owner)
        }
    }

    /// Makes a store of the OpenTelemetry side of a span, without fields.
    #[inline(always)] // the store is large, and each call that returns it copies it
    #[must_use]
    pub fn with_otel(owner: Owner, otel: OtelSpan) -> Self {
        Self {
            owner,
            is_entered: AtomicBool::new(false),
            takes_fields: true,
            otel: Some(otel),
            fields: KeptFields::new(),
            carried: None,
            expected_trace: AtomicU64::new(0),
        }
    }

    /// Adds the fields that a span is created with.
    ///
    /// Call it before the extensions are locked, as [`from_attributes`](Self::from_attributes).
    #[inline]
    pub fn add(&mut self, attributes: &Attributes<'_>) {
        attributes.record(self);
    }

    /// Makes a store of the fields that a span is created with.
    ///
    /// Call it before the extensions are locked: the `Debug` of a value may log, and then a layer reads the extensions.
    #[must_use]
    pub fn from_attributes(owner: Owner, attributes: &Attributes<'_>) -> Self {
        let mut fields = Self::new(owner);
        attributes.record(&mut fields);
        fields
    }

    /// Makes a store of fields that are recorded later. [`merge`](Self::merge) adds them to those of the span.
    #[must_use]
    pub fn from_record(owner: Owner, record: &Record<'_>) -> Self {
        let mut fields = Self::new(owner);
        record.record(&mut fields);
        fields
    }

    /// Returns the kind of layer that has put the fields into the span.
    #[inline]
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Returns the OpenTelemetry side of the span. Returns `None` if `otel-tracing`'s layer does not see the span.
    #[inline]
    #[must_use]
    pub fn otel(&self) -> Option<&OtelSpan> {
        self.otel.as_ref()
    }

    /// Sets the OpenTelemetry side of the span.
    #[inline]
    pub fn set_otel(&mut self, span: OtelSpan) {
        self.otel = Some(span);
    }

    /// Takes over the OpenTelemetry side of another store of the same span.
    pub fn take_otel_from(&mut self, other: Self) {
        self.otel = other.otel;
    }

    /// Adds fields that were recorded later. The last value of a field counts.
    pub fn merge(&mut self, newer: Self) {
        if !self.takes_fields {
            return;
        }
        for field in newer.fields {
            self.set(field);
        }
    }

    /// Returns the fields in the order in which they were recorded: the index in the callsite, and the value.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (usize, &FieldValue)> {
        self.kept()
            .iter()
            .map(|field| (field.index(), field.value()))
    }

    /// Returns the same fields as [`iter`](Self::iter).
    #[inline]
    #[must_use]
    pub fn kept(&self) -> &[KeptField] {
        &self.fields
    }

    /// Returns the spans around this span, if it was made in work that was handed over without keeping those spans open.
    #[inline]
    #[must_use]
    pub fn carried(&self) -> Option<&Arc<CarriedSpans>> {
        self.carried.as_ref()
    }

    /// Sets the spans around this span.
    #[inline]
    pub fn set_carried(&mut self, spans: Option<Arc<CarriedSpans>>) {
        self.carried = spans;
    }

    /// Notes the trace that is expected here. Returns `true` if the last call noted another trace.
    pub fn set_expected_trace(&self, trace: TraceId) -> bool {
        let [.., a, b, c, d, e, f, g, h] = trace.to_bytes();
        let lower_half = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        self.expected_trace.swap(lower_half, Ordering::Relaxed) != lower_half
    }

    /// Notes that the span was entered.
    #[inline]
    pub fn set_entered(&self) {
        self.is_entered.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if the span was ever entered.
    #[inline]
    #[must_use]
    pub fn is_entered(&self) -> bool {
        self.is_entered.load(Ordering::Relaxed)
    }

    /// Replaces the value of a field. A span may record the same field again and again, which must not take more memory.
    #[inline]
    fn set(&mut self, field: KeptField) {
        let mut known = self.fields.iter();
        if let Some(place) = known.position(|known| known.index() == field.index()) {
            self.fields.remove(place);
        }
        self.fields.push(field);
    }

    #[inline]
    fn record(&mut self, field: &Field, value: FieldValue) {
        self.set(KeptField::new(field.index(), value));
    }
}

impl Visit for SpanFields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.record(field, FieldValue::F64(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record(field, FieldValue::I64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record(field, FieldValue::U64(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.record(field, FieldValue::I128(Box::new(value)));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.record(field, FieldValue::U128(Box::new(value)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.record(field, FieldValue::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record(field, FieldValue::from_str(value));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.record(field, FieldValue::from_bytes(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record(field, FieldValue::from_error(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record(field, FieldValue::from_debug(value));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::span::Id;
    use tracing::subscriber::with_default;
    use tracing::{Subscriber, field, info_span};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
    use tracing_subscriber::registry::LookupSpan;

    use super::*;
    use crate::span_fields::text::{CUT, MAX_SOURCES};
    use crate::span_fields::{FieldValue, MAX_KEPT};

    /// Keeps the fields of the last span.
    #[derive(Clone, Default)]
    struct Keeper(Arc<Mutex<Option<SpanFields>>>);

    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Keeper {
        fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
            let fields = SpanFields::from_attributes(Owner::LineLayer, attributes);
            *self.0.lock().unwrap() = Some(fields);
        }

        fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
            let newer = SpanFields::from_record(Owner::LineLayer, values);
            self.0.lock().unwrap().as_mut().unwrap().merge(newer);
        }
    }

    /// Returns the fields of the span that `f` makes.
    fn kept(f: impl FnOnce()) -> SpanFields {
        let keeper = Keeper::default();
        with_default(tracing_subscriber::registry().with(keeper.clone()), f);
        keeper.0.lock().unwrap().take().unwrap()
    }

    fn shown(fields: &SpanFields) -> Vec<String> {
        let shown = fields.iter();
        shown
            .map(|(index, value)| format!("{index} {value:?}"))
            .collect()
    }

    /// Returns the only field, which must be a text.
    fn text(fields: &SpanFields) -> &str {
        match fields.kept() {
            [field] => match field.value() {
                FieldValue::Text(text) => text,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    /// An error with a source.
    #[derive(Debug)]
    struct Outer(String);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&fmt::Error)
        }
    }

    /// An error that is its own source.
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

    #[test]
    fn values_keep_their_types() {
        let error = Outer("outer".to_owned());
        let error: &(dyn Error + 'static) = &error;
        let fields = kept(|| {
            info_span!(
                "s",
                f = 0.5,
                i = -3,
                u = u64::MAX,
                i128 = i128::MIN,
                u128 = 5_u128,
                b = true,
                empty = field::Empty,
                word = "a",
                shown = %"b",
                debugged = ?"c",
                bytes = &b"\x00\xff"[..],
                error,
            );
        });
        let message = fmt::Error.to_string();
        let error = format!("11 Error(ErrorText {{ message: \"outer\", sources: [{message:?}] }})");
        let expected = [
            "0 F64(0.5)",
            "1 I64(-3)",
            "2 U64(18446744073709551615)",
            "3 I128(-170141183460469231731687303715884105728)",
            "4 U128(5)",
            "5 Bool(true)",
            "7 Text(\"a\")",
            "8 Text(\"b\")",
            "9 Text(\"\\\"c\\\"\")",
            "10 Bytes([0, 255])",
            &error,
        ];
        assert_eq!(shown(&fields), expected);
        assert!(!fields.is_entered());
        fields.set_entered();
        assert!(fields.is_entered());
    }

    #[test]
    fn the_last_value_of_a_field_counts_and_takes_no_more_memory() {
        let fields = kept(|| {
            let span = info_span!("s", first = 1, second = "two", later = field::Empty);
            for round in 0..1000 {
                span.record("first", round);
                span.record("later", true);
            }
        });
        assert_eq!(
            shown(&fields),
            ["1 Text(\"two\")", "0 I64(999)", "2 Bool(true)"]
        );
        assert!(!fields.fields.spilled());
    }

    #[test]
    fn a_field_that_is_recorded_again_may_need_escapes() {
        let fields = kept(|| {
            info_span!("s", word = "plain");
        });
        fields.kept().iter().for_each(KeptField::set_plain);
        assert!(fields.kept().iter().all(KeptField::is_plain));
        let mut merged = fields;
        merged.merge(kept(|| {
            info_span!("s", word = "\"quoted\"");
        }));
        assert!(!merged.kept().iter().any(KeptField::is_plain));
    }

    #[test]
    fn a_store_without_fields_remains_without_fields() {
        let mut fields = SpanFields::without_fields(Owner::RecordLayer);
        fields.merge(kept(|| {
            info_span!("s", a = 1);
        }));
        assert_eq!(fields.iter().len(), 0);
        assert_eq!(fields.owner(), Owner::RecordLayer);
    }

    #[test]
    fn a_format_that_fails_or_panics_costs_its_own_value_only() {
        struct Failing(fn() -> fmt::Result);

        impl fmt::Debug for Failing {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("half")?;
                self.0()
            }
        }

        let fields = kept(|| {
            info_span!(
                "s",
                fails = ?Failing(|| Err(fmt::Error)),
                panics = ?Failing(|| panic!("no Debug today")),
                good = 1,
            );
        });
        let expected = [
            "0 Text(\"<formatting failed>\")",
            "1 Text(\"<formatting panicked>\")",
            "2 I64(1)",
        ];
        assert_eq!(shown(&fields), expected);
    }

    #[test]
    fn a_text_is_kept_up_to_the_limit() {
        for length in [MAX_KEPT, MAX_KEPT + 1] {
            let long = "x".repeat(length);
            let mark = if length > MAX_KEPT { CUT } else { "" };
            let expected = format!("{}{mark}", "x".repeat(MAX_KEPT));
            let string = kept(|| drop(info_span!("s", value = long.as_str())));
            assert!(text(&string) == expected, "string of {length}");
            let shown = kept(|| drop(info_span!("s", value = %long)));
            assert!(text(&shown) == expected, "shown, {length}");
        }
        let bytes = vec![7_u8; MAX_KEPT + 1];
        let fields = kept(|| drop(info_span!("s", value = &bytes[..])));
        let expected = format!("0 Bytes({:?})", vec![7; MAX_KEPT]);
        assert!(shown(&fields) == [expected], "bytes");
    }

    #[test]
    fn a_chain_of_errors_is_kept_up_to_the_limit() {
        let kept_error = |error: &(dyn Error + 'static)| {
            let fields = kept(|| drop(info_span!("s", error)));
            match fields.kept() {
                [field] => match field.value() {
                    FieldValue::Error(error) => (**error).clone(),
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            }
        };
        let endless = kept_error(&Endless);
        assert_eq!(endless.sources.len(), MAX_SOURCES - 1);
        assert_eq!(&*endless.message, "again");
        let long = kept_error(&Outer("x".repeat(MAX_KEPT - 3)));
        assert_eq!(long.message.len(), MAX_KEPT - 3);
        let start = &fmt::Error.to_string()[..3];
        assert_eq!(long.sources, [format!("{start}{CUT}").into()]);
        let too_long = kept_error(&Outer("x".repeat(MAX_KEPT)));
        assert_eq!(too_long.sources, []);
    }
}
