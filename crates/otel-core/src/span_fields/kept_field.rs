//! A field with its value, as a span keeps it.

use std::sync::atomic::{AtomicBool, Ordering};

use smallvec::SmallVec;

use super::value::FieldValue;

/// How many fields a span has without a further allocation.
const INLINE: usize = 4;

/// The fields of a span.
pub(super) type KeptFields = SmallVec<[KeptField; INLINE]>;

/// A field of a span.
#[derive(Debug)]
pub struct KeptField {
    index: u32,
    is_plain: AtomicBool,
    value: FieldValue,
}

impl KeptField {
    #[inline]
    pub(super) fn new(index: usize, value: FieldValue) -> Self {
        Self {
            index: index as u32,
            is_plain: AtomicBool::new(false),
            value,
        }
    }

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

impl Clone for KeptField {
    fn clone(&self) -> Self {
        Self {
            index: self.index,
            is_plain: AtomicBool::new(self.is_plain()),
            value: self.value.clone(),
        }
    }
}
