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
        let (fault, advice): (&str, Cow<'_, str>) = match self.problem {
            Problem::TooLong { limit } => {
                ("is too long", format!("use at most {limit} bytes").into())
            }
            Problem::TooShort { needed } => {
                ("ends too early", format!("use {needed} bytes").into())
            }
            Problem::TooMany { limit } => (
                "list is too long",
                format!("use at most {limit} members").into(),
            ),
            Problem::UppercaseDigit => ("has an uppercase digit", "use lowercase hex".into()),
            Problem::NotHex => ("has no hex digit", "use 0-9 and a-f".into()),
            Problem::AllZero => ("is all zeros", "use an id with at least one bit set".into()),
            Problem::ForbiddenVersion => ("is ff", "use 00".into()),
            Problem::NotADash => (
                "is not followed by a dash",
                "separate the parts with '-'".into(),
            ),
            Problem::NotEmptyAfterEnd => ("is followed by more", "end the value there".into()),
            Problem::Comma => ("has a comma", "send one value, not a list".into()),
            Problem::BadCharacter => ("has a forbidden character", "remove or encode it".into()),
            Problem::NoEqualsSign => ("has no '='", "write key=value".into()),
            Problem::Empty => ("is empty", "give it at least one character".into()),
            Problem::Missing => ("is missing", "send both ids or neither".into()),
            Problem::UnknownState => ("is unknown", "use 1, 0 or, in the b3 header, d".into()),
        };
        let Self {
            field,
            part,
            position,
            ..
        } = self;
        write!(
            f,
            "{field}: {part} {fault} at position {position}; {advice}"
        )
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
