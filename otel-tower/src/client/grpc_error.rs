//! What an error of a call of gRPC says of its status.

use otel_core::client::ClientCall;

use crate::grpc_status::{failure_of, status_of};

/// Notes the status that the error tells, or the code for it.
pub(super) fn note<E: 'static>(call: &mut ClientCall, error: &E) {
    if !call.is_grpc() {
        return;
    }
    if let Some(code) = status_of(error) {
        call.grpc_status(code);
    } else if let Some(code) = failure_of(error) {
        call.grpc_failure(code);
    }
}
