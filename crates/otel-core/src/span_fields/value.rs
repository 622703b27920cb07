//! The value of a field.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use super::text::{CUT, chain, push_formatted};
use crate::limits::cut;

/// The most bytes of a text that are kept while its span lives. No layer's limit of a value is higher.
pub const MAX_KEPT: usize = 64 * 1024;

/// The value of a field, with its type. A text has at most [`MAX_KEPT`] bytes.
#[derive(Debug, Clone)]
#[expect(
    clippy::exhaustive_enums,
    reason = "used by our own crates only, which must handle every variant"
)]
pub enum FieldValue {
    /// A float, also NaN and the infinities.
    F64(f64),
    /// An integer.
    I64(i64),
    /// An integer.
    U64(u64),
    /// A large integer.
    I128(Box<i128>),
    /// A large integer.
    U128(Box<u128>),
    /// A Boolean.
    Bool(bool),
    /// A string, or the text of a value that formats itself.
    Text(Arc<str>),
    /// Bytes.
    Bytes(Box<[u8]>),
    /// An error and its sources.
    Error(Box<ErrorText>),
}

/// The texts of an error and its sources.
#[derive(Debug, Clone)]
#[expect(
    clippy::exhaustive_structs,
    reason = "used by our own crates only, which must handle every text"
)]
pub struct ErrorText {
    /// The text of the error.
    pub message: Arc<str>,
    /// The texts of its sources, outermost first.
    pub sources: Vec<Arc<str>>,
}

impl FieldValue {
    /// Makes a text, cut to [`MAX_KEPT`].
    pub(super) fn from_str(text: &str) -> Self {
        if text.len() <= MAX_KEPT {
            return Self::Text(Arc::from(text));
        }
        Self::Text([cut(text, MAX_KEPT), CUT].concat().into())
    }

    /// Makes the text of a value that formats itself. If the formatting fails or panics, the text says so.
    pub(super) fn from_debug(value: &dyn fmt::Debug) -> Self {
        Self::Text(formatted(format_args!("{value:?}"), MAX_KEPT))
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.get(..MAX_KEPT).unwrap_or(bytes).into())
    }

    /// Makes the texts of an error and its sources, with [`MAX_KEPT`] bytes in all.
    pub(super) fn from_error(error: &(dyn Error + 'static)) -> Self {
        let mut left = MAX_KEPT;
        let mut texts = chain(error).map_while(|error| {
            let text = (left > 0).then(|| formatted(format_args!("{error}"), left))?;
            left = left.saturating_sub(text.len());
            Some(text)
        });
        let message = texts.next().unwrap_or_default();
        let sources = texts.collect();
        Self::Error(Box::new(ErrorText { message, sources }))
    }
}

fn formatted(value: fmt::Arguments<'_>, limit: usize) -> Arc<str> {
    // Most texts fit on the stack, so that the `Arc` is the only allocation.
    let mut text = SmallVec::<[u8; 128]>::new();
    match push_formatted(value, limit, |part| text.extend_from_slice(part.as_bytes())) {
        Ok(mark) => {
            text.extend_from_slice(mark.as_bytes());
            std::str::from_utf8(&text).unwrap_or_default().into()
        }
        Err(failure) => failure.into(),
    }
}
