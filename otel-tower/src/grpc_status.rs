//! The gRPC status of an error.

use otel_exchange::client::Exchange;

use self::of_tonic::failure_of;
pub(crate) use self::of_tonic::status_of;

/// Records the status that the error contains, or the code that gRPC defines for it.
pub(crate) fn record<E: 'static>(exchange: &mut Exchange, error: &E) {
    if !exchange.is_grpc() {
        return;
    }
    if let Some(code) = status_of(error) {
        exchange.grpc_status(code);
    } else if let Some(code) = failure_of(error) {
        exchange.grpc_failure(code);
    }
}

/// Without tonic no error type is known.
#[cfg(not(feature = "tonic"))]
mod of_tonic {
    use otel_exchange::conventions::rpc::GrpcCode;

    pub(crate) fn status_of<E: 'static>(_: &E) -> Option<GrpcCode> {
        None
    }

    pub(super) fn failure_of<E: 'static>(_: &E) -> Option<GrpcCode> {
        None
    }
}

#[cfg(feature = "tonic")]
mod of_tonic {
    use std::error::Error;
    use std::io;

    use otel_exchange::client::error_type::{causes, io_error};
    use otel_exchange::conventions::rpc::GrpcCode;

    use crate::known_error::as_error;

    /// Returns the status that the error contains.
    pub(crate) fn status_of<E: 'static>(error: &E) -> Option<GrpcCode> {
        let mut causes = causes(as_error(error)?);
        let status = causes.find_map(|cause| cause.downcast_ref::<tonic::Status>())?;
        Some(GrpcCode::from_number(status.code().into()))
    }

    /// Returns the code for an error without a status, as tonic defines it. Returns `None` if `error.type` is as specific.
    pub(super) fn failure_of<E: 'static>(error: &E) -> Option<GrpcCode> {
        causes(as_error(error)?).find_map(failure_of_cause)
    }

    fn failure_of_cause(cause: &(dyn Error + 'static)) -> Option<GrpcCode> {
        // The cause of the connection error does not matter.
        if cause.is::<tonic::ConnectError>() {
            return Some(GrpcCode::Unavailable);
        }
        if let Some(error) = cause.downcast_ref::<h2::Error>() {
            return error.reason().map(code_of_reset);
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            // A timeout means that keep-alive pings were not answered.
            if error.is_timeout() {
                return Some(GrpcCode::Unavailable);
            }
            return error.is_canceled().then_some(GrpcCode::Cancelled);
        }
        // For a connection timeout tonic reports UNKNOWN, but UNAVAILABLE for all other connections that fail.
        let error = io_error(cause)?;
        (error.kind() == io::ErrorKind::TimedOut).then_some(GrpcCode::Unavailable)
    }

    /// Maps a reset to a code (gRPC over HTTP/2, "Errors").
    fn code_of_reset(reason: h2::Reason) -> GrpcCode {
        match reason {
            h2::Reason::REFUSED_STREAM => GrpcCode::Unavailable,
            h2::Reason::CANCEL => GrpcCode::Cancelled,
            h2::Reason::ENHANCE_YOUR_CALM => GrpcCode::ResourceExhausted,
            h2::Reason::INADEQUATE_SECURITY => GrpcCode::PermissionDenied,
            h2::Reason::STREAM_CLOSED | h2::Reason::HTTP_1_1_REQUIRED => GrpcCode::Unknown,
            _ => GrpcCode::Internal,
        }
    }
}
