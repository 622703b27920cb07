//! The status of gRPC that an error tells: tonic makes a response of it further out.

use otel_core::rpc::GrpcCode;

/// `None` where the error tells none.
#[cfg(feature = "tonic")]
pub(crate) fn status_of<E: 'static>(error: &E) -> Option<GrpcCode> {
    let error = crate::known_error::as_error(error)?;
    let statuses = otel_core::client::error_type::causes(error);
    let mut statuses = statuses.filter_map(|cause| cause.downcast_ref::<tonic::Status>());
    let code = statuses.next()?.code();
    Some(GrpcCode::of_number(code.into()))
}

/// Without tonic there is no type to tell it.
#[cfg(not(feature = "tonic"))]
pub(crate) fn status_of<E: 'static>(_error: &E) -> Option<GrpcCode> {
    None
}
