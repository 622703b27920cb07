//! What a variable holds: each type has one parser.

use std::borrow::Cow;

use otel_core::redact::Secrets;

/// A value that an environment variable can have.
pub(crate) trait ValueType: Sized {
    /// Parses a text that is trimmed and not empty.
    fn parse(text: &str) -> Result<Self, Invalid<Self>>;

    /// Returns the value as the variable would have it.
    fn shown(&self) -> Cow<'static, str>;

    /// Returns the text of an invalid value as a warning may show it: without secrets.
    fn shown_text<'a>(text: &'a str, secrets: &Secrets) -> Cow<'a, str> {
        secrets.text(text)
    }
}

/// What is wrong with a value.
#[derive(Debug)]
pub(crate) struct Invalid<T> {
    /// What to write instead, such as "use true or false".
    pub(crate) expected: Cow<'static, str>,
    /// The part of the value that is used. Without it the default is used.
    pub(crate) usable: Option<T>,
}

impl<T> Invalid<T> {
    pub(crate) fn new(expected: impl Into<Cow<'static, str>>) -> Self {
        Self {
            expected: expected.into(),
            usable: None,
        }
    }

    /// Wraps the usable part in another type.
    pub(crate) fn map<U>(self, wrap: impl FnOnce(T) -> U) -> Invalid<U> {
        Invalid {
            expected: self.expected,
            usable: self.usable.map(wrap),
        }
    }

    /// Keeps the valid part of the value.
    pub(crate) fn with_usable(mut self, usable: T) -> Self {
        self.usable = Some(usable);
        self
    }
}

/// Only `true`, in any case, is true.
impl ValueType for bool {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        if text.eq_ignore_ascii_case("true") {
            Ok(true)
        } else if text.eq_ignore_ascii_case("false") {
            Ok(false)
        } else {
            // The specification: any other value is false, also if the program sets another default.
            Err(Invalid::new("use true or false").with_usable(false))
        }
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Borrowed(if *self { "true" } else { "false" })
    }
}

/// Any text is valid.
impl ValueType for String {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        Ok(text.to_owned())
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Owned(self.clone())
    }
}

/// A variable without a default.
impl<T: ValueType> ValueType for Option<T> {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        T::parse(text)
            .map(Some)
            .map_err(|invalid| invalid.map(Some))
    }

    fn shown(&self) -> Cow<'static, str> {
        self.as_ref().map_or(Cow::Borrowed(""), T::shown)
    }

    fn shown_text<'a>(text: &'a str, secrets: &Secrets) -> Cow<'a, str> {
        T::shown_text(text, secrets)
    }
}
