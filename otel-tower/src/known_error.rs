//! Errors of services, whose types are not bound.

use std::any::Any;
use std::error::Error;
use std::io;
use std::sync::Arc;

/// Returns the error as a trait object if it is erased or its type is known. A service's error type has no bounds, so the known
/// types are tried in turn.
pub(crate) fn as_error<E: 'static>(error: &E) -> Option<&(dyn Error + 'static)> {
    let error: &dyn Any = error;
    let found = erased(error)
        .or_else(|| is::<io::Error>(error))
        .or_else(|| is::<hyper_util::client::legacy::Error>(error))
        .or_else(|| is::<hyper::Error>(error));
    #[cfg(feature = "tonic")]
    let found = found
        .or_else(|| is::<tonic::transport::Error>(error))
        .or_else(|| is::<tonic::Status>(error));
    found
}

fn erased(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
    if let Some(error) = error.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        return Some(&**error);
    }
    if let Some(error) = error.downcast_ref::<Box<dyn Error + Send>>() {
        return Some(&**error);
    }
    if let Some(error) = error.downcast_ref::<Box<dyn Error>>() {
        return Some(&**error);
    }
    if let Some(error) = error.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
        return Some(&**error);
    }
    let error = error.downcast_ref::<Arc<dyn Error>>()?;
    Some(&**error)
}

/// Returns the error if it is an `E`, also in a `Box` or an `Arc`.
fn is<E: Error + 'static>(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
    if let Some(error) = error.downcast_ref::<E>() {
        return Some(error);
    }
    if let Some(error) = error.downcast_ref::<Box<E>>() {
        return Some(&**error);
    }
    let error = error.downcast_ref::<Arc<E>>()?;
    Some(&**error)
}
