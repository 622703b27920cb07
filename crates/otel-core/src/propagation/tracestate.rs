use std::{fmt, str::FromStr};

use opentelemetry::trace::TraceState;

use super::{
    list,
    parse_error::{ParseError, Problem},
};

/// Holds one W3C `tracestate` (Trace Context level 2) as it is sent: valid members in order, joined with commas.
///
/// Reading removes what carries no meaning, the blanks around members and empty members; everything else stays byte by
/// byte, duplicate keys included.
///
/// # Examples
///
/// ```
/// use otel_core::propagation::Tracestate;
///
/// let mut state: Tracestate = "congo=t61rcWkgMzE , ,rojo@@x=00f0".parse()?;
/// assert_eq!(state.to_string(), "congo=t61rcWkgMzE,rojo@@x=00f0");
/// assert_eq!(state.get("rojo@@x"), Some("00f0"));
///
/// state.insert("congo", "new")?;
/// assert_eq!(state.to_string(), "congo=new,rojo@@x=00f0");
/// # Ok::<(), otel_core::propagation::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tracestate {
    text: String,
}

impl Tracestate {
    /// Reads several header lines as the one list that they are.
    ///
    /// # Errors
    ///
    /// Fails for the whole list if any member is invalid, or if there are more than 32. The position counts from the
    /// start of the line it is in.
    pub fn from_lines<'a>(
        lines: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Result<Self, ParseError> {
        check(lines.clone())?;
        Ok(Self::from_checked(lines))
    }

    /// Returns the members in order.
    pub fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        members([self.text.as_str()])
    }

    /// Returns the value of the first member with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.members()
            .find_map(|(k, value)| (k == key).then_some(value))
    }

    /// Returns the text that is sent, empty if there is no member.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns true if there is no member; then no header is sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Puts a member to the far left in place of any with the same key, dropping the rightmost beyond 32.
    ///
    /// # Errors
    ///
    /// Fails if the key or the value is not allowed; the list is then unchanged.
    pub fn insert(&mut self, key: &str, value: &str) -> Result<(), ParseError> {
        check_key(key.as_bytes(), 0)?;
        check_value(value.as_bytes(), key.len() + 1)?;
        let mut text = String::with_capacity(self.text.len() + key.len() + value.len() + 2);
        push_member(&mut text, key, value);
        for (key, value) in self
            .members()
            .filter(|(k, _)| *k != key)
            .take(MAX_MEMBERS - 1)
        {
            push_member(&mut text, key, value);
        }
        self.text = text;
        Ok(())
    }

    /// Returns the members as the API's type, or `None` if that cannot hold one of them: it knows level-1 keys only.
    #[must_use]
    pub fn to_trace_state(&self) -> Option<TraceState> {
        TraceState::from_key_value(self.members()).ok()
    }

    /// Takes the members of the API's type, leaving out those that must not be sent.
    #[must_use]
    pub fn from_trace_state(state: &TraceState) -> Self {
        let mut text = String::new();
        for (key, value) in state.into_iter().take(MAX_MEMBERS) {
            // The API's own check lets line breaks and empty keys through.
            if check_key(key.as_bytes(), 0).is_ok() && check_value(value.as_bytes(), 0).is_ok() {
                push_member(&mut text, key, value);
            }
        }
        Self { text }
    }

    pub(super) fn into_string(self) -> String {
        self.text
    }

    pub(super) fn from_checked<'a>(lines: impl IntoIterator<Item = &'a str> + Clone) -> Self {
        let mut text =
            String::with_capacity(lines.clone().into_iter().map(|line| line.len() + 1).sum());
        for (key, value) in members(lines) {
            push_member(&mut text, key, value);
        }
        Self { text }
    }
}

impl FromStr for Tracestate {
    type Err = ParseError;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Self::from_lines([value])
    }
}

impl TryFrom<&str> for Tracestate {
    type Error = ParseError;

    fn try_from(value: &str) -> Result<Self, Self::Error> {
        value.parse()
    }
}

impl fmt::Display for Tracestate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Checks the lines without keeping anything.
pub(super) fn check<'a>(
    lines: impl IntoIterator<Item = &'a str> + Clone,
) -> Result<(), ParseError> {
    let mut length = 0;
    for line in lines.clone() {
        length += line.len();
        if length > MAX_LENGTH {
            let limit = MAX_LENGTH;
            return Err(ParseError::new(
                FIELD,
                "value",
                limit + line.len() - length,
                Problem::TooLong { limit },
            ));
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
            return Err(ParseError::new(
                FIELD,
                "member",
                at,
                Problem::TooMany { limit },
            ));
        }
        let Some((key, value)) = list::split_once(member, b'=') else {
            return Err(ParseError::new(FIELD, "member", at, Problem::NoEqualsSign));
        };
        check_key(key.as_bytes(), at)?;
        check_value(value.as_bytes(), at + key.len() + 1)?;
    }
    Ok(())
}

/// Yields the members of lines that [`check`] has passed.
pub(super) fn members<'a>(
    lines: impl IntoIterator<Item = &'a str>,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let items = lines.into_iter().flat_map(list::items);
    items.filter_map(|(_, member)| list::split_once(member, b'='))
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
    let problem = |offset, problem| Err(ParseError::new(FIELD, "key", at + offset, problem));
    match key.first() {
        None => return problem(0, Problem::Empty),
        Some(b'a'..=b'z' | b'0'..=b'9') => {}
        Some(_) => return problem(0, Problem::BadCharacter),
    }
    if key.len() > MAX_PART {
        return problem(MAX_PART, Problem::TooLong { limit: MAX_PART });
    }
    let allowed =
        |b: &u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    match key.iter().position(|b| !allowed(b)) {
        Some(offset) => problem(offset, Problem::BadCharacter),
        None => Ok(()),
    }
}

fn check_value(value: &[u8], at: usize) -> Result<(), ParseError> {
    let problem = |offset, problem| Err(ParseError::new(FIELD, "value", at + offset, problem));
    if value.len() > MAX_PART {
        return problem(MAX_PART, Problem::TooLong { limit: MAX_PART });
    }
    let allowed = |b: &u8| matches!(b, 0x20..=0x7e) && !matches!(b, b',' | b'=');
    if let Some(offset) = value.iter().position(|b| !allowed(b)) {
        return problem(offset, Problem::BadCharacter);
    }
    match value.last() {
        None => problem(0, Problem::Empty),
        Some(b' ') => problem(value.len() - 1, Problem::BadCharacter),
        Some(_) => Ok(()),
    }
}

const FIELD: &str = "tracestate";
const MAX_MEMBERS: usize = 32;
/// The limit of a key and of a value.
const MAX_PART: usize = 256;
/// What 32 members of the longest kind take; only padding could make a valid header longer.
const MAX_LENGTH: usize = MAX_MEMBERS * (MAX_PART + 1 + MAX_PART) + MAX_MEMBERS - 1;
