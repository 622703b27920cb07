//! A text, or its percent-decoded form, with the position of each byte in the text.

use std::ops::Range;

use percent_encoding::percent_decode;

/// A part of a text, or of its percent-decoded form.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) bytes: &'a [u8],
    places: Places<'a>,
}

/// The positions of the bytes in the text.
#[derive(Debug, Clone, Copy)]
enum Places<'a> {
    /// Consecutive, from this position on.
    From(usize),
    /// The position of each byte, and of the end.
    Each(&'a [usize]),
}

/// A percent-decoded text.
#[derive(Debug)]
pub(super) struct Decoded {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl<'a> View<'a> {
    /// Makes a view of a part of the text that begins at `offset`.
    pub(super) fn new(text: &'a str, offset: usize) -> Self {
        Self {
            bytes: text.as_bytes(),
            places: Places::From(offset),
        }
    }

    /// Returns a part of the view.
    #[inline]
    pub(super) fn part(self, range: Range<usize>) -> Self {
        let bytes = self.bytes.get(range.clone()).unwrap_or_default();
        let places = match self.places {
            Places::From(offset) => Places::From(offset + range.start),
            Places::Each(places) => {
                Places::Each(places.get(range.start..=range.end).unwrap_or_default())
            }
        };
        Self { bytes, places }
    }

    /// Returns the range of the bytes in the text.
    pub(super) fn range(self) -> Range<usize> {
        match self.places {
            Places::From(offset) => offset..offset + self.bytes.len(),
            Places::Each(places) => match places {
                [first, .., last] => *first..*last,
                _ => 0..0,
            },
        }
    }

    /// Returns `true` if the byte occurs.
    #[inline]
    pub(super) fn has(self, wanted: u8) -> bool {
        has(self.bytes, wanted)
    }

    /// Returns the percent-decoded view, or `None` if the view has no encoded byte.
    pub(super) fn decoded(self) -> Option<Decoded> {
        if !self.has(b'%') {
            return None;
        }
        let mut decoded = Decoded {
            bytes: Vec::with_capacity(self.bytes.len()),
            places: Vec::with_capacity(self.bytes.len() + 1),
        };
        let mut at = 0;
        while let Some(&byte) = self.bytes.get(at) {
            let code = self.bytes.get(at..at + 3).unwrap_or_default();
            let (byte, len) = match (byte, percent_decode(code).next()) {
                (b'%', Some(byte)) if byte != b'%' || code == b"%25" => (byte, 3),
                _ => (byte, 1),
            };
            decoded.bytes.push(byte);
            decoded.places.push(self.place(at));
            at += len;
        }
        decoded.places.push(self.place(at));
        (decoded.bytes.len() < self.bytes.len()).then_some(decoded)
    }

    fn place(self, at: usize) -> usize {
        match self.places {
            Places::From(offset) => offset + at,
            Places::Each(places) => places.get(at).copied().unwrap_or_default(),
        }
    }
}

impl Decoded {
    /// Returns the decoded text.
    pub(super) fn view(&self) -> View<'_> {
        View {
            bytes: &self.bytes,
            places: Places::Each(&self.places),
        }
    }
}

/// The last byte of the first character of the mark of a cut text, `…[cut]`. It is rare in other texts.
pub(super) const CUT_BYTE: u8 = 0xA6;

/// Visits every byte without an early exit, so that the compiler vectorizes the loop.
#[inline]
pub(super) fn has(bytes: &[u8], wanted: u8) -> bool {
    bytes
        .iter()
        .fold(false, |found, &byte| found | (byte == wanted))
}
