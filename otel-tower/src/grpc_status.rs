//! The code of gRPC for an error, of which tonic makes a response further out.

use std::error::Error;
use std::io;

use otel_core::client::error_type::{causes, io_error};
use otel_core::rpc::GrpcCode;

use crate::known_error::as_error;

/// The status that the error tells; `None` where it tells none.
pub(crate) fn status_of<E: 'static>(error: &E) -> Option<GrpcCode> {
    let mut causes = causes(as_error(error)?);
    let status = causes.find_map(|cause| cause.downcast_ref::<tonic::Status>())?;
    Some(GrpcCode::of_number(status.code().into()))
}

/// The code for an error that tells no status, as tonic has it; `None` where its kind says as much.
pub(crate) fn failure_of<E: 'static>(error: &E) -> Option<GrpcCode> {
    causes(as_error(error)?).find_map(of_cause)
}

fn of_cause(cause: &(dyn Error + 'static)) -> Option<GrpcCode> {
    // Whatever failed inside of it, such as a tunnel of HTTP/2.
    if cause.is::<tonic::ConnectError>() {
        return Some(GrpcCode::Unavailable);
    }
    if let Some(error) = cause.downcast_ref::<h2::Error>() {
        return error.reason().map(of_reset);
    }
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        // Its pings were not answered.
        let lost = error.is_timeout().then_some(GrpcCode::Unavailable);
        return lost.or_else(|| error.is_canceled().then_some(GrpcCode::Cancelled));
    }
    // No connection in time: tonic says UNKNOWN here, and UNAVAILABLE of all other connections that fail.
    let is_late = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    io_error(cause)
        .is_some_and(is_late)
        .then_some(GrpcCode::Unavailable)
}

/// By the table of gRPC over HTTP/2, "Errors".
fn of_reset(reason: h2::Reason) -> GrpcCode {
    match reason {
        h2::Reason::REFUSED_STREAM => GrpcCode::Unavailable,
        h2::Reason::CANCEL => GrpcCode::Cancelled,
        h2::Reason::ENHANCE_YOUR_CALM => GrpcCode::ResourceExhausted,
        h2::Reason::INADEQUATE_SECURITY => GrpcCode::PermissionDenied,
        h2::Reason::STREAM_CLOSED | h2::Reason::HTTP_1_1_REQUIRED => GrpcCode::Unknown,
        _ => GrpcCode::Internal,
    }
}
