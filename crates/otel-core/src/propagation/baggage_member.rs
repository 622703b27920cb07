use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::{
    list,
    parse_error::{ParseError, Problem},
};

/// A member of a W3C baggage list, borrowed from the header and still encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
    /// Everything after the first `;`, raw and in order.
    pub(super) properties: &'a str,
}

impl<'a> Member<'a> {
    /// Reads the text between two commas, which must not be empty.
    pub(super) fn parse(member: &'a str) -> Result<Self, ParseError> {
        if member.len() > MAX_LENGTH {
            let limit = MAX_LENGTH;
            return Err(error("member", limit, Problem::TooLong { limit }));
        }
        // A value may contain '=' (W3C Baggage 3.3.1), so only the first one splits.
        let (pair, properties) = list::split_once(member, b';').unwrap_or((member, ""));
        let Some((key, value)) = list::split_once(pair, b'=') else {
            return Err(error("member", 0, Problem::NoEqualsSign));
        };
        let this = Self {
            key: list::trim(key),
            value: list::trim(value),
            properties: list::trim(properties),
        };
        this.check(pair.len(), key.len())?;
        Ok(this)
    }

    /// Returns the decoded value. Bytes that are not UTF-8 become U+FFFD.
    pub(super) fn decoded(&self) -> Cow<'a, str> {
        percent_decode_str(self.value).decode_utf8_lossy()
    }

    /// Returns the number of bytes that [`Self::push_to`] adds, without the comma.
    pub(super) fn len(&self) -> usize {
        let properties = if self.properties.is_empty() {
            0
        } else {
            self.properties.len() + 1
        };
        self.key.len() + 1 + self.value.len() + properties
    }

    /// Adds the member as it is. Adds nothing if the list would become too long.
    pub(super) fn push_to(&self, list: &mut String) {
        if start_member(list, self.len()) {
            list.push_str(self.key);
            list.push('=');
            list.push_str(self.value);
            if !self.properties.is_empty() {
                list.push(';');
                list.push_str(self.properties);
            }
        }
    }

    fn check(&self, properties_at: usize, value_at: usize) -> Result<(), ParseError> {
        if self.key.is_empty() {
            return Err(error("key", 0, Problem::Empty));
        }
        if let Some(at) = self.key.bytes().position(|b| !is_token(b)) {
            return Err(error("key", at, Problem::BadCharacter));
        }
        if let Some(at) = self.value.bytes().position(|b| !is_value(b)) {
            return Err(error("value", value_at + 1 + at, Problem::BadCharacter));
        }
        if let Some(at) = self.properties.bytes().position(|b| !is_property(b)) {
            let at = properties_at + 1 + at;
            return Err(error("property", at, Problem::BadCharacter));
        }
        Ok(())
    }
}

/// Encodes a value set by the application and adds it like [`Member::push_to`].
pub(super) fn push_encoded(list: &mut String, key: &str, value: &str, properties: &str) {
    let properties = properties.trim_matches([' ', '\t', ';']);
    let value = utf8_percent_encode(value, ENCODED_IN_VALUE);
    let separator = if properties.is_empty() { "" } else { ";" };
    // Properties may be encoded already, so only characters that would break the list are encoded.
    let properties = utf8_percent_encode(properties, ENCODED_IN_PROPERTIES);
    let parts = [key, "="]
        .into_iter()
        .chain(value)
        .chain([separator])
        .chain(properties);
    if start_member(list, parts.clone().map(str::len).sum()) {
        list.extend(parts);
    }
}

/// Adds the comma before a member, if needed. Returns false if the list would become too long.
fn start_member(list: &mut String, length: usize) -> bool {
    let comma = usize::from(!list.is_empty());
    let fits = list.len() + comma + length <= MAX_LENGTH;
    if fits && comma == 1 {
        list.push(',');
    }
    fits
}

/// Returns true for a character of an HTTP token (RFC 9110, 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

/// Returns true for a baggage-octet (W3C Baggage 3.3.1).
fn is_value(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

fn is_property(byte: u8) -> bool {
    is_value(byte) || matches!(byte, b';' | b' ' | b'\t')
}

const fn error(part: &'static str, position: usize, problem: Problem) -> ParseError {
    ParseError::new(FIELD, part, position, problem)
}

const FIELD: &str = "baggage";
/// The limit of a whole list (W3C Baggage 3.3.2).
pub(super) const MAX_LENGTH: usize = 8192;
const ENCODED_IN_PROPERTIES: &AsciiSet = &CONTROLS.add(b'"').add(b',').add(b'\\');
/// `+` is encoded only because OpenTelemetry for Python reads it as a blank.
const ENCODED_IN_VALUE: &AsciiSet = &ENCODED_IN_PROPERTIES
    .add(b' ')
    .add(b';')
    .add(b'%')
    .add(b'+');
