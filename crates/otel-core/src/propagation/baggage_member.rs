use std::borrow::Cow;

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
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

    /// Adds the member as it is. Returns false and adds nothing if the list would exceed `limit`.
    pub(super) fn push_to(&self, list: &mut String, limit: usize) -> bool {
        push(list, limit, [self.key, "=", self.value], self.properties)
    }

    /// Adds the member like [`Self::push_to`], with `=` and a `%` that starts no escape encoded in the value.
    ///
    /// Some libraries end a value at `=`, or drop a member with such a `%`.
    pub(super) fn push_encoded_to(&self, list: &mut String, limit: usize) -> bool {
        if self.value.bytes().all(|b| b != b'=' && b != b'%') {
            return self.push_to(list, limit);
        }
        let value = encode_stray_percents(self.value);
        let value = utf8_percent_encode(&value, ENCODED_IN_RECEIVED_VALUE);
        let pair = [self.key, "="].into_iter().chain(value);
        push(list, limit, pair, self.properties)
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

/// Encodes a value set by the application, and adds it like [`Member::push_to`] with properties that are encoded already.
pub(super) fn push_value(
    list: &mut String,
    limit: usize,
    key: &str,
    value: &str,
    properties: &str,
) -> bool {
    let value = utf8_percent_encode(value, ENCODED_IN_VALUE);
    let pair = [key, "="].into_iter().chain(value);
    push(list, limit, pair, properties)
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

/// Adds a member and the comma before it, if needed. Returns false and adds nothing if the list would exceed `limit`.
fn push<'a>(
    list: &mut String,
    limit: usize,
    pair: impl IntoIterator<Item = &'a str> + Clone,
    properties: &str,
) -> bool {
    let comma = if list.is_empty() { "" } else { "," };
    let semicolon = if properties.is_empty() { "" } else { ";" };
    let pair_length: usize = pair.clone().into_iter().map(str::len).sum();
    if list.len() + comma.len() + pair_length + semicolon.len() + properties.len() > limit {
        return false;
    }
    list.push_str(comma);
    list.extend(pair);
    list.push_str(semicolon);
    list.push_str(properties);
    true
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
