//! Errors of services, whose types are not bound.

use std::any::Any;
use std::error::Error;
use std::io;

/// Returns the error as a trait object if its type is known. A service's error type has no bounds, so the known types are tried
/// in turn.
pub(crate) fn as_error<E: 'static>(error: &E) -> Option<&(dyn Error + 'static)> {
    let error: &dyn Any = error;
    if let Some(boxed) = error.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        return Some(&**boxed);
    }
    let found = is::<io::Error>(error);
    #[cfg(feature = "hyper-util")]
    let found = found.or_else(|| is::<hyper_util::client::legacy::Error>(error));
    #[cfg(feature = "tonic")]
    let found = found.or_else(|| is::<tonic::transport::Error>(error));
    #[cfg(feature = "tonic")]
    let found = found.or_else(|| is::<tonic::Status>(error));
    #[cfg(feature = "tonic")]
    let found = found.or_else(|| is::<hyper::Error>(error));
    found
}

fn is<E: Error + 'static>(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
    let found = error.downcast_ref::<E>()?;
    Some(found)
}
