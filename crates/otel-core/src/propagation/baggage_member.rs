use std::borrow::Cow;

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, PercentEncode, percent_decode_str, utf8_percent_encode,
};

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
    /// The value has neither `=` nor `%`.
    is_plain: bool,
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
        let mut this = Self {
            key: list::trim(key),
            value: list::trim(value),
            properties: list::trim(properties),
            is_plain: true,
        };
        this.check(pair.len(), key.len())?;
        Ok(this)
    }

    /// Returns the decoded value. Bytes that are not UTF-8 become U+FFFD.
    pub(super) fn decoded(&self) -> Cow<'a, str> {
        if self.is_plain {
            return Cow::Borrowed(self.value);
        }
        percent_decode_str(self.value).decode_utf8_lossy()
    }

    /// Returns the number of bytes that [`Self::push_to`] adds, without the comma.
    pub(super) fn len(&self) -> usize {
        length(self.key.len(), self.value.len(), self.properties.len())
    }

    /// Adds the member as it is. Returns false and adds nothing if the list would exceed `limit`.
    pub(super) fn push_to(&self, list: &mut String, limit: usize) -> bool {
        let fits = start_member(list, limit, self.len());
        if fits {
            list.push_str(self.key);
            list.push('=');
            list.push_str(self.value);
            push_properties(list, self.properties);
        }
        fits
    }

    /// Adds the member like [`Self::push_to`], with `=` and a `%` that starts no escape encoded in the value.
    ///
    /// Some libraries end a value at `=`, or drop a member with such a `%`.
    pub(super) fn push_encoded_to(&self, list: &mut String, limit: usize) -> bool {
        if self.is_plain {
            return self.push_to(list, limit);
        }
        let value = encode_stray_percents(self.value);
        let value = utf8_percent_encode(&value, ENCODED_IN_RECEIVED_VALUE);
        push_encoded(list, limit, self.key, value, self.properties)
    }

    fn check(&mut self, properties_at: usize, value_at: usize) -> Result<(), ParseError> {
        if self.key.is_empty() {
            return Err(error("key", 0, Problem::Empty));
        }
        if let Some(at) = self.key.bytes().position(|b| !is_token(b)) {
            return Err(error("key", at, Problem::BadCharacter));
        }
        let is_plain = &mut self.is_plain;
        let mut bytes = self.value.bytes();
        if let Some(at) = bytes.position(|b| {
            *is_plain &= b != b'=' && b != b'%';
            !is_value(b)
        }) {
            return Err(error("value", value_at + 1 + at, Problem::BadCharacter));
        }
        if let Some(at) = self.properties.bytes().position(|b| !is_property(b)) {
            let at = properties_at + 1 + at;
            return Err(error("property", at, Problem::BadCharacter));
        }
        Ok(())
    }
}

/// Encodes a value set by the application, and adds it like [`Member::push_to`] with properties that are encoded already.
pub(super) fn push_value(
    list: &mut String,
    limit: usize,
    key: &str,
    value: &str,
    properties: &str,
) -> bool {
    let value = utf8_percent_encode(value, ENCODED_IN_VALUE);
    push_encoded(list, limit, key, value, properties)
}

/// Encodes properties set by the application: `key` or `key=value`, separated by `;`. A property without a key is left out.
///
/// An escape such as `%2C` stays, because an application may copy the properties that it has received.
pub(super) fn encode_properties(properties: &str) -> String {
    let mut encoded = String::with_capacity(properties.len());
    for property in properties.split(';') {
        let (key, value) = match list::split_once(property, b'=') {
            Some((key, value)) => (list::trim(key), Some(list::trim(value))),
            None => (list::trim(property), None),
        };
        if key.is_empty() {
            continue;
        }
        if !encoded.is_empty() {
            encoded.push(';');
        }
        encoded.extend(utf8_percent_encode(key, ENCODED_IN_PROPERTY_KEY));
        if let Some(value) = value {
            let value = encode_stray_percents(value);
            encoded.push('=');
            encoded.extend(utf8_percent_encode(&value, ENCODED_IN_PROPERTY_VALUE));
        }
    }
    encoded
}

/// Encodes each `%` that is not followed by two hex digits.
fn encode_stray_percents(text: &str) -> Cow<'_, str> {
    let is_stray = |at: usize| {
        let digits = text.as_bytes().get(at + 1..at + 3);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.match_indices('%').any(|(at, _)| is_stray(at)) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() + 2);
    for (at, c) in text.char_indices() {
        match c {
            '%' if is_stray(at) => encoded.push_str("%25"),
            _ => encoded.push(c),
        }
    }
    Cow::Owned(encoded)
}

fn push_encoded(
    list: &mut String,
    limit: usize,
    key: &str,
    value: PercentEncode<'_>,
    properties: &str,
) -> bool {
    let value_length: usize = value.clone().map(str::len).sum();
    let length = length(key.len(), value_length, properties.len());
    let fits = start_member(list, limit, length);
    if fits {
        list.push_str(key);
        list.push('=');
        list.extend(value);
        push_properties(list, properties);
    }
    fits
}

fn push_properties(list: &mut String, properties: &str) {
    if !properties.is_empty() {
        list.push(';');
        list.push_str(properties);
    }
}

/// Returns the length of a member whose parts have these lengths.
const fn length(key: usize, value: usize, properties: usize) -> usize {
    let with_semicolon = if properties == 0 { 0 } else { properties + 1 };
    key + 1 + value + with_semicolon
}

/// Adds the comma before a member, if needed. Returns false and adds nothing if the list would exceed `limit`.
fn start_member(list: &mut String, limit: usize, length: usize) -> bool {
    let comma = usize::from(!list.is_empty());
    let fits = list.len() + comma + length <= limit;
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
/// `+` is encoded only because OpenTelemetry for Python reads it as a blank, and `=` because some libraries end a value there.
const ENCODED_IN_VALUE: &AsciiSet = &ENCODED_IN_PROPERTY_VALUE.add(b'%');
const ENCODED_IN_PROPERTY_VALUE: &AsciiSet = &ENCODED_IN_RECEIVED_VALUE
    .add(b'"')
    .add(b',')
    .add(b'\\')
    .add(b' ')
    .add(b';')
    .add(b'+');
const ENCODED_IN_RECEIVED_VALUE: &AsciiSet = &CONTROLS.add(b'=');
/// Everything except the characters of a token (RFC 9110, 5.6.2).
const ENCODED_IN_PROPERTY_KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'%')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'*')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');
