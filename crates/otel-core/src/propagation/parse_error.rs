use std::{borrow::Cow, error::Error, fmt};

/// The reason why a propagation header is invalid: the header, the part of its value, and the position.
///
/// The message ends with advice. It never repeats the header's value, so it is safe to log.
#[derive(Clone, PartialEq, Eq)]
pub struct ParseError {
    field: &'static str,
    part: &'static str,
    position: usize,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    TooLong { limit: usize },
    TooShort { needed: usize },
    TooMany { limit: usize },
    UppercaseDigit,
    NotHex,
    AllZero,
    ForbiddenVersion,
    NotADash,
    NotEmptyAfterEnd,
    Comma,
    BadCharacter,
    NoEqualsSign,
    Empty,
    Missing,
    UnknownState,
    Repeated,
}

impl ParseError {
    pub(super) const fn new(
        field: &'static str,
        part: &'static str,
        position: usize,
        problem: Problem,
    ) -> Self {
        Self {
            field,
            part,
            position,
            problem,
        }
    }

    /// Returns the error of a part that starts `bytes` later.
    pub(super) fn shifted(mut self, bytes: usize) -> Self {
        self.position += bytes;
        self
    }

    /// Returns the header, the part and the problem, without the position. There are few such texts, whatever callers send.
    pub(super) fn reason(&self) -> String {
        let problem = match self.problem {
            Problem::TooLong { .. } => "is too long",
            Problem::TooShort { .. } => "ends too early",
            Problem::TooMany { .. } => "list is too long",
            Problem::UppercaseDigit => "has an uppercase digit",
            Problem::NotHex => "has no hex digit",
            Problem::AllZero => "is all zeros",
            Problem::ForbiddenVersion => "is ff",
            Problem::NotADash => "is not followed by a dash",
            Problem::NotEmptyAfterEnd => "is followed by more",
            Problem::Comma => "has a comma",
            Problem::BadCharacter => "has a forbidden character",
            Problem::NoEqualsSign => "has no '='",
            Problem::Empty => "is empty",
            Problem::Missing => "is missing",
            Problem::UnknownState => "is unknown",
            Problem::Repeated => "is repeated",
        };
        format!("{}: {} {problem}", self.field, self.part)
    }

    /// Returns the header's name in lower case, such as `traceparent` or `x-b3-traceid`.
    #[must_use]
    pub fn field(&self) -> &str {
        self.field
    }

    /// Returns the invalid part of the value, such as `trace-id`, `flags` or `key`.
    #[must_use]
    pub fn part(&self) -> &str {
        self.part
    }

    /// Returns the position of the first invalid byte, counted from 0 within the header's value.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Returns true if the value, one of its members or their number exceeds a limit.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(
            self.problem,
            Problem::TooLong { .. } | Problem::TooMany { .. }
        )
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let advice: Cow<'_, str> = match self.problem {
            Problem::TooLong { limit } => format!("use at most {limit} bytes").into(),
            Problem::TooShort { needed } => format!("use {needed} bytes").into(),
            Problem::TooMany { limit } => format!("use at most {limit} members").into(),
            Problem::UppercaseDigit => "use lowercase hex".into(),
            Problem::NotHex => "use 0-9 and a-f".into(),
            Problem::AllZero => "use an id with at least one bit set".into(),
            Problem::ForbiddenVersion => "use 00".into(),
            Problem::NotADash => "separate the parts with '-'".into(),
            Problem::NotEmptyAfterEnd => "end the value there".into(),
            Problem::Comma => "send one value, not a list".into(),
            Problem::BadCharacter => "remove or encode it".into(),
            Problem::NoEqualsSign => "write key=value".into(),
            Problem::Empty => "give it at least one character".into(),
            Problem::Missing => "send both ids or neither".into(),
            Problem::UnknownState => "use 1, 0 or, in the b3 header, d".into(),
            Problem::Repeated => "send one line".into(),
        };
        let (reason, position) = (self.reason(), self.position);
        write!(f, "{reason} at position {position}; {advice}")
    }
}

/// Shows the message, for a `main` or a test that returns the error.
impl fmt::Debug for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for ParseError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_names_field_part_position_and_advice() {
        let error = ParseError::new("traceparent", "trace-id", 5, Problem::UppercaseDigit);
        assert_eq!(
            error.to_string(),
            "traceparent: trace-id has an uppercase digit at position 5; use lowercase hex"
        );
        assert_eq!(
            (
                error.field(),
                error.part(),
                error.position(),
                error.is_limit()
            ),
            ("traceparent", "trace-id", 5, false)
        );
    }
}
