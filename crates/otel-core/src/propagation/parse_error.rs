use std::{error::Error, fmt};

/// Says why a propagation header was refused: which field, where, and what is expected instead.
///
/// The message never repeats the header's own text, so it is safe to log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    field: &'static str,
    part: &'static str,
    position: usize,
    problem: Problem,
}

/// What is wrong, and with it the advice that the message ends in.
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

    /// Returns the header's name in lower case, such as `traceparent` or `x-b3-traceid`.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// Returns the part of the value that is wrong, such as `trace-id`, `flags` or `key`.
    #[must_use]
    pub fn part(&self) -> &'static str {
        self.part
    }

    pub(super) fn behind(mut self, bytes: usize) -> Self {
        self.position += bytes;
        self
    }

    /// Returns the position of the first offending byte, counted from 0 within the field's value.
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
        let Self {
            field,
            part,
            position,
            problem,
        } = self;
        write!(f, "{field}: {part} ")?;
        match problem {
            Problem::TooLong { limit } => {
                write!(
                    f,
                    "is too long at position {position}; use at most {limit} bytes"
                )
            }
            Problem::TooShort { needed } => {
                write!(
                    f,
                    "ends too early at position {position}; use {needed} bytes"
                )
            }
            Problem::TooMany { limit } => {
                write!(
                    f,
                    "list is too long at position {position}; use at most {limit} members"
                )
            }
            Problem::UppercaseDigit => {
                write!(
                    f,
                    "has an uppercase digit at position {position}; use lowercase hex"
                )
            }
            Problem::NotHex => {
                write!(
                    f,
                    "has no hex digit at position {position}; use 0-9 and a-f"
                )
            }
            Problem::AllZero => {
                write!(
                    f,
                    "is all zeros at position {position}; use an id with at least one bit set"
                )
            }
            Problem::ForbiddenVersion => {
                write!(f, "is ff at position {position}; use 00")
            }
            Problem::NotADash => {
                write!(
                    f,
                    "is not followed by a dash at position {position}; separate the parts with '-'"
                )
            }
            Problem::NotEmptyAfterEnd => {
                write!(
                    f,
                    "is followed by more at position {position}; end the value there"
                )
            }
            Problem::Comma => {
                write!(
                    f,
                    "has a comma at position {position}; send one value, it is no list"
                )
            }
            Problem::BadCharacter => {
                write!(
                    f,
                    "has a forbidden character at position {position}; remove or encode it"
                )
            }
            Problem::NoEqualsSign => {
                write!(f, "has no '=' at position {position}; write key=value")
            }
            Problem::Empty => {
                write!(
                    f,
                    "is empty at position {position}; give it at least one character"
                )
            }
            Problem::Missing => {
                write!(
                    f,
                    "is missing at position {position}; send both ids or neither"
                )
            }
            Problem::UnknownState => {
                write!(
                    f,
                    "is unknown at position {position}; use 1, 0 or, in the b3 header, d"
                )
            }
        }
    }
}

/// The message, for a `main` or a test that returns the error.
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
