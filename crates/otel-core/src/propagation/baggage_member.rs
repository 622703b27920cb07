use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::{
    list,
    parse_error::{ParseError, Problem},
};

/// One member of a W3C baggage list, borrowed from the header and still encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
    /// Everything behind the first `;`, raw and in order.
    pub(super) properties: &'a str,
}

impl<'a> Member<'a> {
    /// Reads the text between two commas, which is not empty.
    pub(super) fn parse(member: &'a str) -> Result<Self, ParseError> {
        if member.len() > MAX_LENGTH {
            return Err(ParseError::new(
                FIELD,
                "member",
                MAX_LENGTH,
                Problem::TooLong { limit: MAX_LENGTH },
            ));
        }
        // A value may contain '=' (W3C Baggage 3.3.1), so only the first one splits.
        let (pair, properties) = list::split_once(member, b';').unwrap_or((member, ""));
        let Some((key, value)) = list::split_once(pair, b'=') else {
            return Err(ParseError::new(FIELD, "member", 0, Problem::NoEqualsSign));
        };
        let this = Self {
            key: list::trim(key),
            value: list::trim(value),
            properties: list::trim(properties),
        };
        this.check(pair.len(), key.len())?;
        Ok(this)
    }

    /// Decodes the value; what is no UTF-8 becomes U+FFFD.
    pub(super) fn decoded(&self) -> Cow<'a, str> {
        percent_decode_str(self.value).decode_utf8_lossy()
    }

    /// Returns the length of what [`Self::push_to`] adds, without the comma.
    pub(super) fn len(&self) -> usize {
        let properties = if self.properties.is_empty() {
            0
        } else {
            self.properties.len() + 1
        };
        self.key.len() + 1 + self.value.len() + properties
    }

    /// Adds the member as it is, behind a comma if it is not the first, or nothing if the list would grow too long.
    pub(super) fn push_to(&self, list: &mut String) {
        push(list, self.len(), |list| {
            list.push_str(self.key);
            list.push('=');
            list.push_str(self.value);
            if !self.properties.is_empty() {
                list.push(';');
                list.push_str(self.properties);
            }
        });
    }

    fn check(&self, properties_at: usize, value_at: usize) -> Result<(), ParseError> {
        let error = |part, position, problem| Err(ParseError::new(FIELD, part, position, problem));
        if self.key.is_empty() {
            return error("key", 0, Problem::Empty);
        }
        if let Some(at) = self.key.bytes().position(|b| !is_token(b)) {
            return error("key", at, Problem::BadCharacter);
        }
        if let Some(at) = self.value.bytes().position(|b| !is_value(b)) {
            return error("value", value_at + 1 + at, Problem::BadCharacter);
        }
        let property = |b| is_value(b) || matches!(b, b';' | b' ' | b'\t');
        match self.properties.bytes().position(|b| !property(b)) {
            Some(at) => error("property", properties_at + 1 + at, Problem::BadCharacter),
            None => Ok(()),
        }
    }
}

/// Encodes a value set by the application and adds it like [`Member::push_to`].
pub(super) fn push_encoded(list: &mut String, key: &str, value: &str, properties: &str) {
    let properties = properties.trim_matches([' ', '\t', ';']);
    let value = utf8_percent_encode(value, ENCODED_IN_VALUE);
    // Properties may be encoded already; only what would break the list is encoded on top.
    let encoded = utf8_percent_encode(properties, ENCODED_IN_PROPERTIES);
    let separator = if properties.is_empty() { "" } else { ";" };
    let parts = || {
        [key, "="]
            .into_iter()
            .chain(value.clone())
            .chain([separator])
            .chain(encoded.clone())
    };
    push(list, parts().map(str::len).sum(), |list| {
        list.extend(parts());
    });
}

fn push(list: &mut String, length: usize, write: impl FnOnce(&mut String)) {
    let comma = usize::from(!list.is_empty());
    if list.len() + comma + length > MAX_LENGTH {
        return;
    }
    if comma == 1 {
        list.push(',');
    }
    write(list);
}

/// A character of an HTTP token (RFC 9110, 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

/// A baggage-octet (W3C Baggage 3.3.1).
fn is_value(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

const FIELD: &str = "baggage";
/// The limit of a whole list (W3C Baggage 3.3.2).
pub(super) const MAX_LENGTH: usize = 8192;
const ENCODED_IN_PROPERTIES: &AsciiSet = &CONTROLS.add(b'"').add(b',').add(b'\\');
/// A `+` need not be encoded, but OpenTelemetry for Python reads it as a blank.
const ENCODED_IN_VALUE: &AsciiSet = &ENCODED_IN_PROPERTIES
    .add(b' ')
    .add(b';')
    .add(b'%')
    .add(b'+');
