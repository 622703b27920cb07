//! Reading environment variables the way OpenTelemetry asks for.

use std::env;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use crate::error::SetupError;

/// The value; an empty one is as good as none.
///
/// # Errors
///
/// If the value is no Unicode.
pub(crate) fn read(name: &str) -> Result<Option<String>, SetupError> {
    match env::var(name) {
        Ok(value) => Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(SetupError::hidden_variable(name, "it is not valid Unicode"))
        }
    }
}

/// Only `true`, in any case, is true; only `false` is false besides nothing.
pub(crate) fn is_true(name: &str) -> Result<bool, SetupError> {
    match read(name)? {
        None => Ok(false),
        Some(value) if value.eq_ignore_ascii_case("true") => Ok(true),
        Some(value) if value.eq_ignore_ascii_case("false") => Ok(false),
        Some(value) => Err(SetupError::variable(name, value, "use true or false")),
    }
}

/// A whole number, not negative.
pub(crate) fn number<N: FromStr>(name: &str) -> Result<Option<N>, SetupError> {
    parse(name, "use a whole number")
}

/// A time in milliseconds, more than none.
pub(crate) fn milliseconds(name: &str) -> Result<Option<Duration>, SetupError> {
    const EXPECTED: &str = "use a number of milliseconds, more than 0";
    match parse(name, EXPECTED)? {
        Some(0) => Err(SetupError::variable(name, "0", EXPECTED)),
        other => Ok(other.map(Duration::from_millis)),
    }
}

fn parse<N: FromStr>(name: &str, expected: impl Display) -> Result<Option<N>, SetupError> {
    let Some(text) = read(name)? else {
        return Ok(None);
    };
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(SetupError::variable(name, text, expected.to_string())),
    }
}

/// `None` where the bytes are no UTF-8.
pub(crate) fn percent_decoded(value: &str) -> Option<String> {
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(value).collect();
    String::from_utf8(bytes).ok()
}
