//! Reading environment variables the way OpenTelemetry asks for.

use std::env;

use crate::error::SetupError;

/// The value; an empty one is as good as none.
///
/// # Errors
///
/// If the value is no Unicode.
pub(crate) fn read(name: &'static str) -> Result<Option<String>, SetupError> {
    match env::var(name) {
        Ok(value) => Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(value)) => Err(SetupError::variable(
            name,
            value.to_string_lossy(),
            "it is not valid Unicode",
        )),
    }
}

/// Only `true`, in any case, is true.
pub(crate) fn is_true(name: &'static str) -> Result<bool, SetupError> {
    Ok(read(name)?.is_some_and(|value| value.eq_ignore_ascii_case("true")))
}
