//! Why the last request to the endpoint failed.

use std::sync::{Mutex, PoisonError};

/// Set by the client, read by what reports a failed export.
#[derive(Debug, Default)]
pub(crate) struct Cause(Mutex<Option<String>>);

impl Cause {
    pub(super) fn set(&self, line: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
    }

    pub(super) fn clear(&self) {
        self.take();
    }

    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
