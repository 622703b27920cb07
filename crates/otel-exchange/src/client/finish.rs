//! The end of an attempt: it has a response, it failed, or it was dropped.

use std::borrow::Cow;
use std::mem;

use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{KeyValue, StringValue};

use super::end::End;
use super::error_type;
use super::exchange::Exchange;
use crate::conventions::http::attribute::ERROR_TYPE;
use crate::conventions::http::client_error_type;
use crate::conventions::rpc::attribute::RPC_RESPONSE_STATUS_CODE;
use crate::conventions::rpc::{self, GrpcCode};
use crate::hooks::StatusOverride;

/// The code of a gRPC call and the error that it is.
type CallEnd = (GrpcCode, Option<&'static str>);

impl Exchange {
    /// Ends the attempt. Only the first call counts.
    pub fn finish(&mut self, end: End) {
        if mem::replace(&mut self.is_finished, true) {
            return;
        }
        if end != End::Complete {
            self.sizes.stop_response();
        }
        let call_end = self.end_call(end);
        let error_type = self.error_type(end, call_end);
        let sizes = self.options.common.body_sizes.then_some(&self.sizes);
        let sizes = sizes.filter(|_| self.grpc.is_none());
        if self.is_recording {
            let span = self.context.span();
            if let Some((code, _)) = call_end {
                span.set_attribute(KeyValue::new(RPC_RESPONSE_STATUS_CODE, code.as_str()));
            }
            if let Some(error_type) = &error_type {
                span.set_attribute(KeyValue::new(ERROR_TYPE, error_type.clone()));
                span.set_status(Status::error(""));
            }
            if let Some(sizes) = sizes {
                span.set_attributes(sizes.attributes());
            }
            span.end();
        }
        if let Some(measurement) = self.measurement.take() {
            let (metrics, grpc) = (&self.options.common.metrics, self.grpc.as_deref());
            let error_type = error_type.map(StringValue::from);
            measurement.end(metrics, &self.context, grpc, sizes, error_type);
        }
    }

    /// Returns how a gRPC call has ended: as the server reports it, else as gRPC defines it for what happened.
    #[inline]
    fn end_call(&mut self, end: End) -> Option<CallEnd> {
        let grpc = self.grpc.as_mut()?;
        match end {
            End::Complete => grpc.complete(),
            End::Dropped => grpc.cancel(),
            End::Failed(error_type::CONNECT | error_type::DNS | error_type::TLS) => {
                grpc.fail(GrpcCode::Unavailable);
            }
            End::Failed(error_type::TIMEOUT) => grpc.fail(GrpcCode::DeadlineExceeded),
            End::Failed(_) => grpc.fail(GrpcCode::Unknown),
        }
        let code = grpc.code()?;
        // Without a status from the server, the failure is more specific than the code that it maps to.
        Some(match end {
            End::Failed(failure) if !grpc.has_status() => (code, Some(failure)),
            _ => (code, rpc::client_error_type(code)),
        })
    }

    /// Returns the error of the attempt. A hook wins, then an error status, then the end.
    #[inline]
    fn error_type(&self, end: End, call_end: Option<CallEnd>) -> Option<Cow<'static, str>> {
        let of_head = match (self.hooks.status_override(), call_end) {
            (Some(StatusOverride::Error(error_type)), _) => return Some(error_type.clone()),
            (Some(StatusOverride::NoError), _) => None,
            (None, Some((_, error_type))) => error_type,
            (None, None) => self.status.and_then(client_error_type),
        };
        let of_end = match end {
            End::Failed(error_type) => Some(error_type),
            End::Complete | End::Dropped => None,
        };
        of_head.or(of_end).map(Cow::Borrowed)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.finish(End::Dropped);
    }
}
