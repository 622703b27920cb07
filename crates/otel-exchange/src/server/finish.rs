//! The end of a request: its body is complete, it failed, or it was dropped.

use std::mem;
use std::sync::Arc;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{KeyValue, time};
use otel_core::span_changes::{ErrorDecision, SpanChanges};

use super::error_type::{CANCELLED, PANIC, SERVICE_ERROR};
use super::exchange::Exchange;
use crate::conventions::http::server_error_type;
use crate::conventions::rpc::attribute::{GRPC, RPC_STATUS_CODE};
use crate::conventions::rpc::{self, GrpcCode};
use crate::end_error::EndError;
use crate::ending::Ending;
use crate::metrics::measurement::Measurement;
use crate::outcome::End;

/// The span name of a report of context loss, if the name was not kept.
const UNNAMED: &str = "request";

impl Exchange {
    /// Ends the request, outside its context. Only the first call counts.
    pub fn finish(&mut self, end: End) {
        if mem::replace(&mut self.is_finished, true) {
            return;
        }
        // What failed after the client had left failed because of that.
        let end = if end != End::Panicked && self.has_upload_broken_off() {
            End::Cancelled
        } else {
            end
        };
        // Without a response the request alone decides.
        self.decide_for_call();
        // A call that is not recorded also makes its method known.
        self.settle_method();
        if self.is_observed() {
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
        let is_renamed = original.is_some() && !self.span.is_named();
        if is_renamed {
            self.span.context().span().update_name(GRPC);
        }
        let common = &self.options.common;
        let attributes = attributes.into_iter().flatten();
        self.late
            .extend(attributes.map(|attribute| common.recorded_method(attribute)));
    }

    /// Runs the hooks of the end, and records the end on the span and in the metrics.
    fn record(&mut self, end: End) {
        self.learn_route();
        self.settle_path();
        let grpc_code = self.end_call(end);
        let changes = self.span.take_changes();
        let request = self.request.take();
        let measured = self.measurement.as_deref().map(Measurement::elapsed);
        let duration = measured.or(request.as_ref().map(|it| it.elapsed()));
        // The time that the hooks of the end take is not part of the request.
        let ended = self.options.common.has_end_hooks().then(time::now);
        let sizes = self.sizes.take().filter(|_| self.grpc.is_none());
        let mut ending = Ending {
            end,
            status: self.status,
            grpc_status: grpc_code.map(GrpcCode::as_str),
            duration: duration.unwrap_or_default(),
            sizes,
            error: self.error(end, grpc_code, changes.as_deref()),
            changes,
        };
        if let Some(request) = request {
            let options = Arc::clone(&self.options);
            for hook in &options.common.on_end {
                self.run_hook(|update| hook(&request.head(), &ending.outcome(), update));
            }
            ending.add(self.span.take_changes());
        }
        ending.redact(self.options.common.secrets());
        let rpc_names = self.options.common.rpc_status_names;
        if let Some(former) = grpc_code.and_then(|code| rpc_names.former(code.as_str())) {
            self.late.push(former);
        }
        let status = match grpc_code {
            Some(code) => Some(KeyValue::new(RPC_STATUS_CODE, code.as_str())),
            None => self.status_attribute(),
        };
        if self.span.is_recording() {
            let span = self.span.context().span();
            if self.late.is_empty() && ending.changes.is_none() {
                // Nothing is replaced, so that a list would only cost.
                let known = status.iter().cloned().chain(ending.attributes());
                known.for_each(|attribute| span.set_attribute(attribute));
            } else {
                let mut late = mem::take(&mut self.late);
                late.extend(status.iter().cloned());
                late.extend(ending.attributes());
                ending.replace_in(&mut late);
                span.set_attributes(late);
            }
            let message = ending.error.as_ref().map(EndError::message);
            self.span.end(message, ended);
        }
        if let Some(mut measurement) = self.measurement.take() {
            if let Some(status) = status.filter(|_| self.grpc.is_none()) {
                measurement.add(status);
            }
            let (metrics, context) = (&self.options.common.metrics, self.span.context());
            let changes = ending.changes.as_deref();
            let custom = changes.map_or(&[][..], SpanChanges::metric_attributes);
            let measured = ending.measured(self.grpc.as_deref(), rpc_names, custom);
            measurement.end(metrics, context, measured);
        }
    }

    /// Returns the status of a gRPC call. There is none if the response broke off, because none was sent.
    fn end_call(&mut self, end: End) -> Option<GrpcCode> {
        let grpc = self.grpc.as_mut()?;
        match end {
            End::Complete => grpc.complete(),
            End::Cancelled => grpc.cancel(),
            End::Failed(_) | End::Panicked => {}
        }
        grpc.code()
    }

    /// Returns the error of the request. The last word of handler and hooks wins, then an error status, then the end.
    fn error(
        &self,
        end: End,
        grpc_code: Option<GrpcCode>,
        changes: Option<&SpanChanges>,
    ) -> Option<EndError> {
        let of_status = || self.status_error(grpc_code);
        let of_end = || self.end_error(end, grpc_code);
        match changes.and_then(SpanChanges::error) {
            Some(ErrorDecision::NoError) => of_end().map(EndError::from_type),
            Some(decision) => EndError::from_decision(decision),
            None => of_status().or_else(of_end).map(EndError::from_type),
        }
    }

    fn end_error(&self, end: End, grpc_code: Option<GrpcCode>) -> Option<&'static str> {
        // A cancelled call has a status, and so has an error that tonic turns into a response.
        if grpc_code.is_some() && matches!(end, End::Cancelled | End::Failed(SERVICE_ERROR)) {
            return None;
        }
        match end {
            End::Complete => None,
            End::Failed(error_type) => Some(error_type),
            End::Panicked => Some(PANIC),
            End::Cancelled => self.cancelled_is_error().then_some(CANCELLED),
        }
    }

    /// A stream of events has no other end than the client's leaving.
    fn cancelled_is_error(&self) -> bool {
        let configured = self.options.cancelled_is_error;
        configured.unwrap_or(!self.is_event_stream)
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
