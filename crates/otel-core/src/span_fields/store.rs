//! The fields of one span.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use smallvec::SmallVec;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Record};

use super::value::FieldValue;

/// How many fields a span has without a further allocation.
const INLINE: usize = 4;

/// The fields of a span. The first layer that sees the span puts them into its extensions; the other layers read them there.
#[derive(Debug)]
pub struct SpanFields {
    owner: Owner,
    is_entered: AtomicBool,
    takes_fields: bool,
    /// In the order in which they were recorded.
    fields: SmallVec<[KeptField; INLINE]>,
}

/// A field of a span.
#[derive(Debug)]
pub struct KeptField {
    index: u32,
    is_plain: AtomicBool,
    value: FieldValue,
}

impl KeptField {
    /// Returns the index of the field in the callsite.
    #[inline]
    #[must_use]
    pub fn index(&self) -> usize {
        self.index as usize
    }

    /// Returns the value of the field.
    #[inline]
    #[must_use]
    pub fn value(&self) -> &FieldValue {
        &self.value
    }

    /// Notes that the text needs no escapes in JSON, so that only the first line looks at each byte.
    #[inline]
    pub fn set_plain(&self) {
        self.is_plain.store(true, Ordering::Relaxed);
    }

    /// Returns `true` after [`set_plain`](Self::set_plain).
    #[inline]
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.is_plain.load(Ordering::Relaxed)
    }
}

/// Which kind of layer has put the fields into the span. Only that layer adds fields that are recorded later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
            fields: SmallVec::new(),
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
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.owner
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
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (usize, &FieldValue)> {
        self.kept()
            .iter()
            .map(|field| (field.index(), &field.value))
    }

    /// Returns the same fields as [`iter`](Self::iter).
    #[inline]
    #[must_use]
    pub fn kept(&self) -> &[KeptField] {
        &self.fields
    }

    /// Notes that the span was entered.
    pub fn set_entered(&self) {
        self.is_entered.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if the span was ever entered.
    #[must_use]
    pub fn is_entered(&self) -> bool {
        self.is_entered.load(Ordering::Relaxed)
    }

    /// Replaces the value of a field. A span may record the same field again and again, which must not take more memory.
    #[inline]
    fn set(&mut self, field: KeptField) {
        let mut known = self.fields.iter();
        if let Some(place) = known.position(|known| known.index == field.index) {
            self.fields.remove(place);
        }
        self.fields.push(field);
    }

    #[inline]
    fn record(&mut self, field: &Field, value: FieldValue) {
        self.set(KeptField {
            index: field.index() as u32,
            is_plain: AtomicBool::new(false),
            value,
        });
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
