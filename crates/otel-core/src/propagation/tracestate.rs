use std::{fmt, str::FromStr};

use opentelemetry::trace::TraceState;

use super::{
    list,
    parse_error::{ParseError, Problem},
};

/// A valid W3C `tracestate` (Trace Context level 2), as it is sent: members in order, joined with commas.
///
/// When a header is read, blanks around members and empty members are removed. Everything else stays byte by byte, including
/// duplicate keys.
///
/// # Examples
///
/// ```
/// use otel_core::propagation::Tracestate;
///
/// let state: Tracestate = "congo=t61rcWkgMzE , ,rojo@@x=00f0".parse()?;
/// assert_eq!(state.to_string(), "congo=t61rcWkgMzE,rojo@@x=00f0");
/// assert_eq!(state.members().last(), Some(("rojo@@x", "00f0")));
/// # Ok::<(), otel_core::propagation::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tracestate {
    text: String,
}

impl Tracestate {
    /// Reads several header lines as one list.
    ///
    /// # Errors
    ///
    /// Fails for the whole list if a member is invalid, or if there are more than 32 members. The position is counted from the
    /// start of the invalid line.
    pub fn from_lines<'a>(
        lines: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Result<Self, ParseError> {
        check(lines.clone())?;
        Ok(Self { text: join(lines) })
    }

    /// Returns the members in order.
    pub fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        members([self.text.as_str()])
    }
}

impl FromStr for Tracestate {
    type Err = ParseError;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Self::from_lines([value])
    }
}

impl fmt::Display for Tracestate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Checks all lines. It allocates nothing.
pub(super) fn check<'a>(
    lines: impl IntoIterator<Item = &'a str> + Clone,
) -> Result<(), ParseError> {
    let mut length = 0;
    for line in lines.clone() {
        length += line.len();
        if length > MAX_LENGTH {
            let limit = MAX_LENGTH;
            let at = limit + line.len() - length;
            return Err(error("value", at, Problem::TooLong { limit }));
        }
    }
    let mut count = 0;
    for (at, member) in lines
        .into_iter()
        .flat_map(list::items)
        .filter(|(_, m)| !m.is_empty())
    {
        count += 1;
        if count > MAX_MEMBERS {
            let limit = MAX_MEMBERS;
            return Err(error("member", at, Problem::TooMany { limit }));
        }
        let Some((key, value)) = list::split_once(member, b'=') else {
            return Err(error("member", at, Problem::NoEqualsSign));
        };
        check_key(key.as_bytes(), at)?;
        check_value(value.as_bytes(), at + key.len() + 1)?;
    }
    Ok(())
}

/// Yields the members of lines that [`check`] has accepted.
pub(super) fn members<'a>(
    lines: impl IntoIterator<Item = &'a str>,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let items = lines.into_iter().flat_map(list::items);
    items.filter_map(|(_, member)| list::split_once(member, b'='))
}

/// Joins the members of lines that [`check`] has accepted.
pub(super) fn join<'a>(lines: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let length = lines.clone().into_iter().map(|line| line.len() + 1).sum();
    let mut text = String::with_capacity(length);
    for (key, value) in members(lines) {
        push_member(&mut text, key, value);
    }
    text
}

/// Returns the header's value for the API's type. Members that are not valid in a header are left out.
pub(super) fn header(state: &TraceState) -> String {
    let mut text = String::new();
    for (key, value) in state.into_iter().take(MAX_MEMBERS) {
        // The API's own check accepts line breaks and empty keys.
        if check_key(key.as_bytes(), 0).is_ok() && check_value(value.as_bytes(), 0).is_ok() {
            push_member(&mut text, key, value);
        }
    }
    text
}

fn push_member(text: &mut String, key: &str, value: &str) {
    if !text.is_empty() {
        text.push(',');
    }
    text.push_str(key);
    text.push('=');
    text.push_str(value);
}

fn check_key(key: &[u8], at: usize) -> Result<(), ParseError> {
    match key.first() {
        None => return Err(error("key", at, Problem::Empty)),
        Some(b'a'..=b'z' | b'0'..=b'9') => {}
        Some(_) => return Err(error("key", at, Problem::BadCharacter)),
    }
    if key.len() > MAX_PART {
        let limit = MAX_PART;
        return Err(error("key", at + limit, Problem::TooLong { limit }));
    }
    match key.iter().position(|&b| !is_in_key(b)) {
        Some(offset) => Err(error("key", at + offset, Problem::BadCharacter)),
        None => Ok(()),
    }
}

fn check_value(value: &[u8], at: usize) -> Result<(), ParseError> {
    if value.len() > MAX_PART {
        let limit = MAX_PART;
        return Err(error("value", at + limit, Problem::TooLong { limit }));
    }
    if let Some(offset) = value.iter().position(|&b| !is_in_value(b)) {
        return Err(error("value", at + offset, Problem::BadCharacter));
    }
    match value.last() {
        None => Err(error("value", at, Problem::Empty)),
        Some(b' ') => Err(error("value", at + value.len() - 1, Problem::BadCharacter)),
        Some(_) => Ok(()),
    }
}

fn is_in_key(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@')
}

fn is_in_value(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e) && !matches!(byte, b',' | b'=')
}

const fn error(part: &'static str, position: usize, problem: Problem) -> ParseError {
    ParseError::new(FIELD, part, position, problem)
}

const FIELD: &str = "tracestate";
const MAX_MEMBERS: usize = 32;
/// The maximum length of a key and of a value.
const MAX_PART: usize = 256;
/// The length of 32 members of maximum length. A longer header is invalid, or has superfluous blanks.
const MAX_LENGTH: usize = MAX_MEMBERS * (MAX_PART + 1 + MAX_PART) + MAX_MEMBERS - 1;
