//! The list of the process.

use std::fmt;
use std::sync::{LazyLock, OnceLock};

use super::secrets::Secrets;

static PROCESS: OnceLock<Secrets> = OnceLock::new();
static STANDARD: LazyLock<Secrets> = LazyLock::new(Secrets::standard);

/// Sets the list of secrets of this process. Call it first in `main`.
///
/// The list applies wherever a builder does not set another one. Log callsites and named headers keep the list that applied when
/// they were first used.
///
/// # Errors
///
/// Returns an error if the list was set before. The earlier list still applies.
pub fn set_default(secrets: Secrets) -> Result<(), SetDefaultError> {
    PROCESS.set(secrets).map_err(|_| SetDefaultError(()))
}

/// Returns the list of this process: that of [`set_default`], or the list of this crate.
#[doc(hidden)]
#[inline]
pub fn current() -> &'static Secrets {
    PROCESS.get().unwrap_or_else(|| &STANDARD)
}

impl Default for Secrets {
    /// Returns the list of this process: that of [`set_default`], or the list of this crate.
    fn default() -> Self {
        current().clone()
    }
}

/// The list of a builder, or else that of the process.
#[doc(hidden)]
#[derive(Debug, Clone, Default)]
pub struct SecretsChoice(Option<Secrets>);

impl SecretsChoice {
    /// Chooses this list.
    pub fn set(&mut self, secrets: Secrets) {
        self.0 = Some(secrets);
    }

    /// Returns the list that applies.
    #[inline]
    #[must_use]
    pub fn get(&self) -> &Secrets {
        match &self.0 {
            Some(secrets) => secrets,
            None => current(),
        }
    }
}

/// The list of secrets of this process was already set.
#[derive(Debug)]
pub struct SetDefaultError(());

impl fmt::Display for SetDefaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the list of secrets is already set and stays unchanged; call otel_core::redact::set_default only once, first in main",
        )
    }
}

impl std::error::Error for SetDefaultError {}
