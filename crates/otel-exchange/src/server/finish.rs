//! The end of a request: its body is complete, it failed, or it was dropped.

use std::mem;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{KeyValue, StringValue};
use otel_core::RequestCell;

use super::end::End;
use super::exchange::Exchange;
use crate::conventions::http::attribute::ERROR_TYPE;
use crate::conventions::http::server_error_type;
use crate::conventions::rpc::attribute::{GRPC, RPC_RESPONSE_STATUS_CODE};
use crate::conventions::rpc::{self, GrpcCode};
use crate::hooks::StatusOverride;

/// The span name of a report of context loss, if the name was not kept.
const UNNAMED: &str = "request";

impl Exchange {
    /// Ends the request, outside its context. Only the first call counts.
    pub fn finish(&mut self, end: End) {
        if mem::replace(&mut self.is_finished, true) {
            return;
        }
        // A call that is not recorded also makes its method known.
        self.settle_method();
        if self.span.is_recording() || self.measurement.is_some() {
            self.record(end);
        }
        self.span.end_tracing();
        if let Some(running) = self.running.take() {
            let span = self.span.context().span();
            let instrumentation = self.options.common.name;
            running
                .request
                .end(span.span_context(), instrumentation, || {
                    running.name.unwrap_or(UNNAMED).to_owned()
                });
        }
    }

    /// Decides whether a gRPC method is known that was open until now. An unknown method does not appear in the span name.
    fn settle_method(&mut self) {
        let Some(grpc) = &mut self.grpc else { return };
        let attributes = grpc.settle();
        if !self.span.is_recording() || attributes.iter().all(Option::is_none) {
            return;
        }
        let [_, original] = &attributes;
        let is_renamed = original.is_some() && !self.is_named();
        let span = self.span.context().span();
        if is_renamed {
            span.update_name(GRPC);
        }
        span.set_attributes(attributes.into_iter().flatten());
    }

    /// Records the end on the span and in the metrics.
    fn record(&mut self, end: End) {
        self.learn_route();
        let grpc_code = self.end_call(end);
        let error_type = self.error_type(end, grpc_code);
        let status = match grpc_code {
            Some(code) => Some(KeyValue::new(RPC_RESPONSE_STATUS_CODE, code.as_str())),
            None => self.status_attribute(),
        };
        let sizes = self.sizes.as_deref().filter(|_| self.grpc.is_none());
        // The error that the application has recorded is more specific, and is already on the span.
        let recorded = otel_core::error::take_recorded(self.span.id());
        if self.span.is_recording() {
            let span = self.span.context().span();
            span.set_attributes(status.clone());
            if let (None, Some(error_type)) = (recorded, &error_type) {
                span.set_attribute(KeyValue::new(ERROR_TYPE, error_type.clone()));
            }
            if let Some(sizes) = sizes {
                span.set_attributes(sizes.attributes());
            }
            self.span.end(recorded.is_some() || error_type.is_some());
        }
        if let Some(mut measurement) = self.measurement.take() {
            let error_type = recorded.map(StringValue::from).or(error_type);
            if let Some(status) = status.filter(|_| self.grpc.is_none()) {
                measurement.add(status);
            }
            let (metrics, grpc) = (&self.options.common.metrics, self.grpc.as_deref());
            measurement.end(metrics, self.span.context(), grpc, sizes, error_type);
        }
    }

    /// Returns the status of a gRPC call. There is none if the response broke off, because none was sent.
    fn end_call(&mut self, end: End) -> Option<GrpcCode> {
        let grpc = self.grpc.as_mut()?;
        match end {
            End::Complete => grpc.complete(),
            End::Cancelled => grpc.cancel(),
            End::ServiceError | End::BodyError | End::Panicked => {}
        }
        grpc.code()
    }

    /// Returns the error of the request. A hook wins, then the handler, then an error status, then the end.
    fn error_type(&self, end: End, grpc_code: Option<GrpcCode>) -> Option<StringValue> {
        let error_type = match self.hooks.status_override() {
            Some(StatusOverride::NoError) => None,
            Some(StatusOverride::Error(error_type)) => Some(error_type.clone().into()),
            None => match self.cell.as_ref().and_then(RequestCell::take_error) {
                Some(error_type) => Some(error_type.into()),
                None => self.status_error(grpc_code).map(StringValue::from),
            },
        };
        if error_type.is_some() {
            return error_type;
        }
        // A cancelled call has a status, and so has an error that tonic turns into a response.
        if grpc_code.is_some() && matches!(end, End::Cancelled | End::ServiceError) {
            return None;
        }
        end.error_type().map(StringValue::from)
    }

    fn status_error(&self, grpc_code: Option<GrpcCode>) -> Option<&'static str> {
        match (grpc_code, self.status) {
            (Some(code), _) => rpc::server_error_type(code),
            (None, Some(status)) => server_error_type(status),
            (None, None) => None,
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.finish(End::Cancelled);
    }
}
