//! Without tonic there is no type that would tell a status.

use otel_core::rpc::GrpcCode;

pub(crate) fn status_of<E: 'static>(_error: &E) -> Option<GrpcCode> {
    None
}

pub(crate) fn failure_of<E: 'static>(_error: &E) -> Option<GrpcCode> {
    None
}
