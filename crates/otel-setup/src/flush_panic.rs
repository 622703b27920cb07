//! A panic that is held back during a flush.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};
use std::task::Poll;

/// The payload of a caught panic. The mutex only makes it `Sync`.
#[derive(Debug)]
pub(crate) struct HeldPanic(Mutex<Box<dyn Any + Send>>);

impl HeldPanic {
    /// Continues the panic. The panic hook does not run again.
    pub(crate) fn resume(self) -> ! {
        resume_unwind(self.0.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Polls a future or a body that must be dropped after a panic.
pub(crate) fn catch_panic<T>(poll: impl FnOnce() -> Poll<T>) -> Poll<Result<T, HeldPanic>> {
    match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(polled) => polled.map(Ok),
        Err(payload) => Poll::Ready(Err(HeldPanic(Mutex::new(payload)))),
    }
}
