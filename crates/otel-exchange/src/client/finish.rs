//! The end of an attempt: it has a response, it failed, or it was dropped.

use std::mem;
use std::sync::Arc;

use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{KeyValue, time};
use otel_core::span_changes::{ErrorDecision, SpanChanges};

use super::attributes;
use super::error_type;
use super::exchange::Exchange;
use crate::conventions::http::client_error_type;
use crate::conventions::rpc::attribute::RPC_STATUS_CODE;
use crate::conventions::rpc::{self, GrpcCode};
use crate::end_error::EndError;
use crate::ending::Ending;
use crate::metrics::measurement::Measurement;
use crate::outcome::End;

/// The code of a gRPC call and the error that it is.
type CallEnd = (GrpcCode, Option<&'static str>);

impl Exchange {
    /// Ends the attempt. Only the first call counts.
    pub fn finish(&mut self, end: End) {
        if mem::replace(&mut self.is_finished, true) {
            return;
        }
        let has_end_hooks = self.options.common.has_end_hooks();
        if self.cell.is_recording() || self.measurement.is_some() || has_end_hooks {
            self.record(end);
        }
    }

    /// Runs the hooks of the end, and records the end on the span and in the metrics.
    fn record(&mut self, end: End) {
        // Without a response the request alone decides.
        self.decide_for_call();
        let call_end = self.end_call(end);
        let changes = self.cell.take_changes();
        let request = self.request.take();
        let measured = self.measurement.as_ref().map(Measurement::elapsed);
        let duration = measured.or(request.as_ref().map(|it| it.elapsed()));
        // The time that the hooks of the end take is not part of the attempt.
        let ended = self.options.common.has_end_hooks().then(time::now);
        let mut sizes = self.sizes.take().filter(|_| self.grpc.is_none());
        if let Some(sizes) = sizes.as_mut().filter(|_| end != End::Complete) {
            sizes.stop_response();
        }
        let mut ending = Ending {
            end,
            status: self.response.map(|response| response.status),
            grpc_status: call_end.map(|(code, _)| code.as_str()),
            duration: duration.unwrap_or_default(),
            sizes,
            error: self.error(end, call_end, changes.as_deref()),
            changes,
        };
        if let Some(request) = request {
            let options = Arc::clone(&self.options);
            for hook in &options.common.on_end {
                self.run_hook(|update| hook(&request.head(), &ending.outcome(), update));
            }
            ending.add(self.cell.take_changes());
        }
        let secrets = self.options.common.secrets();
        ending.redact(secrets);
        let rpc_names = self.options.common.rpc_status_names;
        if let Some(former) = ending.grpc_status.and_then(|code| rpc_names.former(code)) {
            self.late.push(former);
        }
        if self.cell.is_recording() {
            let span = self.cell.context().span();
            if self.late.is_empty() && ending.changes.is_none() {
                // Nothing is replaced, so that a list would only cost.
                self.each_attribute(&ending, |attribute| span.set_attribute(attribute));
            } else {
                let mut late = mem::take(&mut self.late);
                self.each_attribute(&ending, |attribute| late.push(attribute));
                ending.replace_in(&mut late);
                span.set_attributes(late);
            }
            if let Some(error) = &ending.error {
                span.set_status(Status::error(error.message()));
            }
            span.end_with_timestamp(ended.unwrap_or_else(time::now));
        }
        if let Some(measurement) = self.measurement.take() {
            let mut custom = match &self.metric_attributes {
                Some(attributes) => attributes.list(),
                None => Vec::new(),
            };
            custom.iter_mut().for_each(|it| secrets.redact(it));
            let measured = ending.measured(self.grpc.as_deref(), rpc_names, &custom);
            measurement.end(&self.options.common.metrics, self.context(), measured);
        }
    }

    /// Passes each attribute that is known at the end to `set`.
    #[inline]
    fn each_attribute(&self, ending: &Ending, mut set: impl FnMut(KeyValue)) {
        if let Some(response) = &self.response {
            attributes::of_response(response, self.grpc.is_some(), &mut set);
        }
        if let Some(code) = ending.grpc_status {
            set(KeyValue::new(RPC_STATUS_CODE, code));
        }
        ending.attributes().for_each(set);
    }

    /// Returns how a gRPC call has ended: as the server reports it, else as gRPC defines it for what happened.
    #[inline]
    fn end_call(&mut self, end: End) -> Option<CallEnd> {
        let grpc = self.grpc.as_mut()?;
        match end {
            End::Complete => grpc.complete(),
            End::Cancelled => grpc.cancel(),
            End::Failed(error_type::CONNECT | error_type::DNS | error_type::TLS) => {
                grpc.fail(GrpcCode::Unavailable);
            }
            End::Failed(error_type::TIMEOUT) => grpc.fail(GrpcCode::DeadlineExceeded),
            End::Failed(_) | End::Panicked => grpc.fail(GrpcCode::Unknown),
        }
        let code = grpc.code()?;
        // Without a status from the server, the failure is more specific than the code that it maps to.
        Some(match end_error(end) {
            Some(failure) if !grpc.has_status() => (code, Some(failure)),
            _ => (code, rpc::client_error_type(code)),
        })
    }

    /// Returns the error of the attempt. The last word of the hooks wins, then an error status, then the end.
    #[inline]
    fn error(
        &self,
        end: End,
        call_end: Option<CallEnd>,
        changes: Option<&SpanChanges>,
    ) -> Option<EndError> {
        let of_head = match (changes.and_then(SpanChanges::error), call_end) {
            (Some(ErrorDecision::NoError), _) => None,
            (Some(decision), _) => return EndError::from_decision(decision),
            (None, Some((_, error_type))) => error_type,
            (None, None) => {
                let response = self.response.as_ref();
                response.and_then(|it| client_error_type(it.status))
            }
        };
        of_head.or(end_error(end)).map(EndError::from_type)
    }
}

/// Returns the error that the end is. A request that the application drops is not an error of HTTP.
fn end_error(end: End) -> Option<&'static str> {
    match end {
        End::Failed(error_type) => Some(error_type),
        End::Panicked => Some(error_type::PANIC),
        End::Complete | End::Cancelled => None,
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.finish(End::Cancelled);
    }
}
